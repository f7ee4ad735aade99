"""Whose turn a message of Gemini's is about: each ends in up to three messages, the last of which may come late.  Pure.

A turn that was spoken whole ends with `generationComplete`, and with `turnComplete` once the model thinks it was heard;
one that was broken off with `interrupted` and `turnComplete`.
"""

from __future__ import annotations

from typing import Literal

from getpatter.engines.gemini_wire import ServerContent

Ending = Literal["completed", "cancelled"]


class ModelTurn:
    """`begin` when an answer is asked for, then `ends` for all content."""

    def __init__(self) -> None:
        self.under_way = False
        """An answer was asked for, and is not complete."""
        self.cancelled = False
        """Nobody wants the rest of it."""
        self._abandoned = False
        """The one before was never ended, and is still being spoken."""
        self._tail = False
        """Of the one before, `turnComplete` is still to come."""

    def begin(self) -> None:
        self._abandoned = self.under_way
        self.under_way, self.cancelled = True, False

    def wait_for_tools(self) -> None:
        """Newer models end the turn with it, older ones go on in the same."""
        self.under_way, self._tail = False, True

    @property
    def last_message_due(self) -> bool:
        """One was spoken whole or broken off, and its `turnComplete` has not come."""
        return self._tail or (self.under_way and self.cancelled)

    @property
    def is_heard(self) -> bool:
        """What is spoken now is wanted."""
        return self.under_way and not self.cancelled and not self._abandoned

    @property
    def is_unwanted(self) -> bool:
        """What is spoken now is of the answer under way, which was cancelled."""
        return self.under_way and self.cancelled and not self._abandoned

    def spoke(self) -> None:
        """Something of the answer has come: what came before it is over."""
        if not self._abandoned:
            self._tail = False

    def ends(self, content: ServerContent) -> Ending | None:
        """How the answer under way has ended; None when it has not."""
        ending: Ending | None = None
        if content.interrupted:
            ending = self._stopped("cancelled", is_last=False)
        elif content.generation_complete:
            ending = self._stopped("completed", is_last=False)
        if content.turn_complete:
            ending = self._stopped("completed", is_last=True) or ending
        return ending

    def _stopped(self, ending: Ending, *, is_last: bool) -> Ending | None:
        if self._abandoned:
            self._abandoned, self._tail = False, not is_last
            return None
        if self._tail:
            self._tail = not is_last
            return None
        self._tail = not is_last
        if not self.under_way:
            return None
        self.under_way = False
        return "cancelled" if self.cancelled else ending
