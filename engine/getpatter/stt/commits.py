"""Transcripts in the order in which the audio was committed, whatever the order in which they come.

Some vendors transcribe what was committed at the same time, and name it only afterwards.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

MAX_GIVEN_UP: Final = 16
"""So many commits that nobody waits for are remembered, should their words come after all."""


@dataclass(slots=True)
class _Commit:
    said_s: float = 0.0
    at: float = 0.0
    item_id: str = ""
    text: str | None = None
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class Understood:
    """What was understood of one commit, and how much audio it held, in seconds."""

    text: str
    said_s: float = 0.0
    late: bool = False
    """It was given up before; what was committed after it may have been told."""


class Commits:
    """One session's: `add` or `add_empty` at each commit, `named` when the vendor confirms one, then `understood`."""

    def __init__(self) -> None:
        self._waiting: deque[_Commit] = deque()
        self._early: dict[str, str] = {}
        """What was understood of items that no commit is named by yet; no more than there are such commits."""

    def add(self, said_s: float = 0.0, at: float = 0.0) -> None:
        """Audio was committed, `at` this time."""
        self._waiting.append(_Commit(said_s, at))

    def add_empty(self) -> None:
        """There was nothing to commit, so nothing will be understood."""
        self._waiting.append(_Commit(text=""))

    def give_up(self) -> None:
        """The first commit that is waited for need not be any longer: those after it have their turn.  Its name may
        still come, before theirs."""
        given_up = [commit for commit in self._waiting if commit.given_up]
        if (commit := self._next()) is None:
            return
        commit.given_up = True
        if len(given_up) == MAX_GIVEN_UP:
            self._waiting.remove(given_up[0])

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

    @property
    def none_is_due(self) -> bool:
        """Nothing was committed that is waited for."""
        return self._next() is None

    def is_held_up(self, since: float) -> bool:
        """Something was understood whose turn has not come, because of a commit that was made by `since`."""
        commit = self._next()
        if commit is None or commit.text is not None or commit.at > since:
            return False
        return any(later.text is not None and not later.given_up for later in self._waiting)

    def is_next(self, item_id: str) -> bool:
        """Whether the item's transcript is the next that is due."""
        commit = self._next()
        return commit is not None and commit.item_id == item_id

    def take(self) -> list[Understood]:
        """The transcripts whose turn has come; those that were given up have theirs whenever they come."""
        ready: list[Understood] = []
        still: deque[_Commit] = deque()
        blocked = False
        for commit in self._waiting:
            if commit.text is not None and (commit.given_up or not blocked):
                ready.append(Understood(commit.text, commit.said_s, commit.given_up))
                continue
            still.append(commit)
            blocked = blocked or not commit.given_up
        self._waiting = still
        return ready

    def _next(self) -> _Commit | None:
        return next((commit for commit in self._waiting if not commit.given_up), None)
