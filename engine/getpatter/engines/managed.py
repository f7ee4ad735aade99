"""The responses of an engine that begins them by itself: which one what comes belongs to.  Pure."""

from __future__ import annotations

from collections.abc import Callable

from getpatter.engines.base import (
    AudioDelta,
    EngineEvent,
    HungUp,
    Interrupted,
    ResponseBegun,
    ResponseDone,
    TurnTaken,
)
from getpatter.llm.base import TextDelta, ToolCall


class ManagedResponses:
    """One session's.  At most one response is under way; it is announced unless it was asked for, and has one end."""

    def __init__(self, emit: Callable[[EngineEvent], None]) -> None:
        self._emit = emit
        self._number = 0
        self._came = False
        """Something has come of the one under way."""
        self._called = False
        """The one under way has called a tool."""
        self._dropped = False
        """What still comes is of one that was cancelled."""
        self._cut_in = False
        """The one under way was asked for over another: the next interruption is that of the other."""
        self.under_way = False
        """One comes, or is bound to."""

    @property
    def item_id(self) -> str:
        return f"response_{self._number}"

    # -- why there is one

    def asked(self) -> None:
        """We asked for one: what comes next is it."""
        cuts_in = self.under_way or self._dropped
        self._break_off()
        self._begin()
        self._cut_in = cuts_in

    def turn_taken(self, text: str = "") -> None:
        """The engine has taken what the caller said for a turn, and answers it."""
        self._break_off()
        self._emit(TurnTaken(text))
        self._begin()

    # -- what comes of it

    def audio(self, audio: bytes) -> None:
        if audio and self._is_heard():
            self._emit(AudioDelta(self.item_id, audio))

    def text(self, text: str) -> None:
        if text and self._is_heard():
            self._emit(TextDelta(text))

    def call(self, call: ToolCall) -> bool:
        """False where the response was cancelled, and its tools with it."""
        heard = self._is_heard()
        if heard:
            self._called = True
            self._emit(call)
        return heard

    # -- how it ends

    def end(self) -> None:
        """The engine has said all of it.  Where nothing came, the sign is a late one of the response before."""
        if self._came:
            self._came = self._dropped = self._cut_in = False
            if self.under_way:
                self.under_way = False
                self._emit(ResponseDone())

    def is_followed(self) -> None:
        """A tool has its result: what comes from now on is another one than that which called it."""
        if self._called:
            self._finish()

    def cancel(self) -> None:
        """We do not want the rest of it."""
        if self.under_way:
            self.under_way, self._dropped = False, True
            self._emit(ResponseDone("cancelled"))

    def interrupted(self) -> None:
        """The engine broke it off, since the caller spoke, or since we had it say something else."""
        if self._cut_in:  # what was on the way of the one before may have come since
            self._cut_in = False
            return
        self._break_off()
        self._emit(Interrupted())

    def hung_up(self, reason: str = "") -> None:
        """The engine has ended the conversation, and says no more; `reason` is that of `HungUp`."""
        self._finish()
        self._emit(HungUp(reason))

    def _finish(self) -> None:
        if self.under_way:
            self.under_way = self._came = False
            self._emit(ResponseDone())

    def _is_heard(self) -> bool:
        self._came = True
        if self._dropped:
            return False
        if not self.under_way:
            self._emit(ResponseBegun())
            self._begin()
            self._came = True
        return True

    def _begin(self) -> None:
        self._number += 1
        self.under_way, self._came, self._called, self._cut_in = True, False, False, False

    def _break_off(self) -> None:
        self._dropped = self._came = False
        if self.under_way:
            self.under_way = False
            self._emit(ResponseDone("cancelled"))
