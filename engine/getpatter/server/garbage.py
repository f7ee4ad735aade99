"""Garbage collection that callers do not hear.

A full collection looks at every object of every live call: with 360 calls it held the event loop for up to 230 ms on an
AMD EPYC core, a hole in each call's sound.  So the process that serves calls does without the automatic ones, and
collects by itself when nobody is on the line, or once so many calls have ended that it must.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from getpatter.clock import Clock, TimerHandle
from getpatter.events import CallEnded, Event

NEVER = 1_000_000_000
"""Collections of the middle generation after which Python would begin a full one."""
AFTER_S = 1.0
"""A call that has ended is taken down by then."""
AFTER_CALLS = 1000
"""Calls that may end before a full collection is due although others live: what is left of a call in cycles is some
100 kB."""


class QuietGarbage:
    """For the process that is there for calls alone: the thresholds are those of the whole interpreter.

    A listener to the event bus between `start` and `stop`.
    """

    def __init__(self, clock: Clock, live_calls: Callable[[], int], *, after_calls: int = AFTER_CALLS) -> None:
        self._clock = clock
        self._live_calls = live_calls
        self._after_calls = after_calls
        self._ended = 0
        self._timer: TimerHandle | None = None
        self._before: tuple[int, int, int] | None = None

    def start(self) -> None:
        """What was made up to here stays for good; the collector need not look at it again."""
        self._before = gc.get_threshold()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*self._before[:2], NEVER)

    def stop(self) -> None:
        """As before `start`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._before is not None:
            gc.set_threshold(*self._before)
            gc.unfreeze()
            self._before = None

    def listen(self, event: Event) -> None:
        if isinstance(event, CallEnded) and self._before is not None:
            self._ended += 1
            if self._timer is None:
                self._timer = self._clock.call_at(self._clock.now() + AFTER_S, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._ended >= self._after_calls or not self._live_calls():
            self._ended = 0
            gc.collect()
