"""An answer that is begun to what the caller seems to have said.  Pure."""

from __future__ import annotations

from getpatter.conversation.actions import Action, DropDraft, StartDraft


class Draft:
    """One at a time: to `begin` another drops the one before."""

    def __init__(self) -> None:
        self._text = ""

    def begin(self, text: str) -> list[Action]:
        if not text or text == self._text:
            return []
        self._text = text
        return [StartDraft(text)]

    def drop(self) -> list[Action]:
        if not self._text:
            return []
        self._text = ""
        return [DropDraft()]

    def taken(self) -> None:
        """The answer was begun, with the draft or without it: the shell knows whether it fits."""
        self._text = ""
