"""Clocks that tests move: one that stands still until then, and one that runs on."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Timer:
    callback: Callable[[], None]
    cancelled: bool = field(default=False)

    def cancel(self) -> None:
        self.cancelled = True


class ManualClock:
    """A `getpatter.clock.Clock` for tests: no event loop, no waiting.

    `now()` starts at `start` and `wall()` at `wall`, both in seconds; they move together, by `advance` alone.
    """

    def __init__(self, start: float = 0.0, wall: float = 1_700_000_000.0) -> None:
        self._now = start
        self._wall_offset = wall - start
        self._timers: list[tuple[float, int, _Timer]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now + self._wall_offset

    def call_at(self, when: float, callback: Callable[[], None]) -> _Timer:
        """Run `callback` in the `advance` that reaches `when`; one that is past already runs in the next `advance`."""
        timer = _Timer(callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Move on, running the timers on the way in order, each at its own time, and those they set in turn."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds} s")
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                self._now = max(self._now, when)
                timer.callback()
        self._now = end

    def hold_up(self, seconds: float) -> None:
        """Let time pass without running a timer, as on an event loop that is busy; the next `advance` runs them."""
        self._now += seconds

    @property
    def next_timer(self) -> float | None:
        """When the next timer is due; None when none is set."""
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None


class SkippingClock:
    """The machine's clock, which a test may put forward: for waits of minutes in what otherwise runs in real time."""

    def __init__(self) -> None:
        self._skipped = 0.0
        self._timers: set[_LoopTimer] = set()

    def now(self) -> float:
        return time.monotonic() + self._skipped

    def wall(self) -> float:
        return time.time() + self._skipped

    def call_at(self, when: float, callback: Callable[[], None]) -> _LoopTimer:
        """Run `callback` on the running event loop once `now()` has reached `when`."""
        return _LoopTimer(self, when, callback, self._timers)

    def skip(self, seconds: float) -> None:
        """Put the clock forward; the timers that are due by that run soon, in their order."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds} s")
        self._skipped += seconds
        for timer in sorted(self._timers, key=lambda timer: timer.when):
            timer.set()


class _LoopTimer:
    """Waits in the event loop, and again from `set` on, since the clock has moved."""

    def __init__(
        self, clock: SkippingClock, when: float, callback: Callable[[], None], waiting: set[_LoopTimer]
    ) -> None:
        self.when = when
        self._clock = clock
        self._callback = callback
        self._waiting = waiting
        self._handle: asyncio.TimerHandle | None = None
        waiting.add(self)
        self.set()

    def set(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        delay = max(0.0, self.when - self._clock.now())
        self._handle = asyncio.get_running_loop().call_later(delay, self._run)

    def cancel(self) -> None:
        self._waiting.discard(self)
        if self._handle is not None:
            self._handle.cancel()

    def _run(self) -> None:
        self._waiting.discard(self)
        self._callback()
