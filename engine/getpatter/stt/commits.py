"""Transcripts in the order in which the audio was committed, whatever the order in which they come.

Some vendors transcribe what was committed at the same time, and name it only afterwards.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Commit:
    item_id: str = ""
    text: str | None = None


class Commits:
    """One session's: `add` or `add_empty` at each commit, `named` when the vendor confirms one, then `understood`."""

    def __init__(self) -> None:
        self._waiting: deque[_Commit] = deque()
        self._early: dict[str, str] = {}
        """What was understood of items that no commit is named by yet; no more than there are such commits."""

    def add(self) -> None:
        """Audio was committed."""
        self._waiting.append(_Commit())

    def add_empty(self) -> None:
        """There was nothing to commit, so nothing will be understood."""
        self._waiting.append(_Commit(text=""))

    def named(self, item_id: str) -> None:
        """The vendor confirms the first commit that it has not confirmed yet."""
        for commit in self._waiting:
            if not commit.item_id and commit.text is None:
                commit.item_id = item_id
                commit.text = self._early.pop(item_id, None)
                return

    def refused(self) -> None:
        """The vendor does not take the first commit that it has not confirmed yet."""
        for commit in self._waiting:
            if not commit.item_id and commit.text is None:
                commit.text = ""
                return

    def understood(self, item_id: str, text: str) -> None:
        """The final transcript of an item, which may come before the name; one that was never committed is ignored."""
        for commit in self._waiting:
            if commit.item_id == item_id and commit.text is None:
                commit.text = text
                return
        unnamed = sum(not commit.item_id and commit.text is None for commit in self._waiting)
        if item_id and len(self._early) < unnamed:
            self._early[item_id] = text

    def is_next(self, item_id: str) -> bool:
        """Whether the item's transcript is the next that is due."""
        return bool(self._waiting) and self._waiting[0].item_id == item_id

    def take(self) -> list[str]:
        """The transcripts whose turn has come."""
        ready: list[str] = []
        while self._waiting and (text := self._waiting[0].text) is not None:
            self._waiting.popleft()
            ready.append(text)
        return ready
