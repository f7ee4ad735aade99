"""Time as something that is passed in, so that a test can hold it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol


class TimerHandle(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """Monotonic seconds for intervals, Unix seconds for the record, and timers on the first."""

    def now(self) -> float:
        """Monotonic seconds."""

    def wall(self) -> float:
        """Seconds since the Unix epoch."""

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        """Run `callback` on the event loop once `now()` has reached `when`."""


class SystemClock:
    """The machine's clocks and the running event loop's timers."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        # uvloop rounds its own clock to milliseconds, so the delay is taken from ours.
        return asyncio.get_running_loop().call_later(max(0.0, when - time.monotonic()), callback)


@asynccontextmanager
async def deadline(clock: Clock, when: float) -> AsyncIterator[None]:
    """Break off what is awaited inside, with `TimeoutError`, once `clock.now()` has reached `when`."""
    async with asyncio.timeout(None) as scope:
        timer = clock.call_at(when, partial(scope.reschedule, 0.0))
        try:
            yield
        finally:
            timer.cancel()


@asynccontextmanager
async def stall_guard(clock: Clock, seconds: float) -> AsyncIterator[Callable[[], None]]:
    """Break off what is awaited inside, with `TimeoutError`, `seconds` after the last call of what this gives.

    For streams: a call costs a look at the clock, where a `deadline` for each item would cost a timer.
    """
    alive_at = clock.now()
    timer: TimerHandle | None = None

    def alive() -> None:
        nonlocal alive_at
        alive_at = clock.now()

    async with asyncio.timeout(None) as scope:

        def watch() -> None:
            nonlocal timer
            if clock.now() >= alive_at + seconds:
                scope.reschedule(0.0)
            else:
                timer = clock.call_at(alive_at + seconds, watch)

        watch()
        try:
            yield alive
        finally:
            if timer is not None:
                timer.cancel()
