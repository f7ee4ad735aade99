"""The short interval at which a process does for all its calls what each of them needs again and again.

A wake-up of the event loop costs more than most of what it is for.  So what would be a timer or a wake-up a call is
done for all calls together, and what belongs together is done in one wake-up: what has come from the carriers is read,
then judged, then what is due is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from getpatter.clock import Clock, TimerHandle

log = logging.getLogger(__name__)

BEAT_S: Final = 0.01
"""Half a telephone frame: what a caller says waits for the next beat, 5 ms in the mean."""

Work = Callable[[float], None]
"""Given the monotonic time of the beat.  Returns fast."""


class Stage(IntEnum):
    """The order within a beat."""

    HEAR = 0
    JUDGE = 1
    SPEAK = 2


class Beat:
    """One timer for any number of works; none while there is nothing to do.

    Beats that a busy event loop has missed are left out.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._works: tuple[list[Work], ...] = tuple([] for _ in Stage)
        self._due = 0.0
        self._timer: TimerHandle | None = None

    def join(self, stage: Stage, work: Work) -> None:
        """Call `work` with every beat from the next one on."""
        self._works[stage].append(work)
        if self._timer is None:
            self._due = self._clock.now()
            self._schedule(self._due)

    def leave(self, stage: Stage, work: Work) -> None:
        """Not again, not even in this beat.  Raises `ValueError` for a work that has not joined."""
        self._works[stage].remove(work)
        if self._timer is not None and not any(self._works):
            self._timer.cancel()
            self._timer = None

    def _schedule(self, now: float) -> None:
        self._due += BEAT_S
        if self._due <= now:
            self._due = now + BEAT_S
        self._timer = self._clock.call_at(self._due, self._strike)

    def _strike(self) -> None:
        now = self._clock.now()
        self._schedule(now)
        for works in self._works:
            for work in tuple(works):
                if work in works:  # else an earlier one has made it leave
                    self._run(work, now)

    @staticmethod
    def _run(work: Work, now: float) -> None:
        try:
            work(now)
        except Exception:  # one work's fault must not stop the others' clock
            log.exception("a work of the beat failed")
