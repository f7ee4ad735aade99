"""Time as something that is passed in, so that a test can hold it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol, TypeVar

Result = TypeVar("Result")


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


async def sleep(clock: Clock, seconds: float) -> None:
    """Wait for `seconds` of the clock's time."""
    woken = asyncio.Event()
    timer = clock.call_at(clock.now() + seconds, woken.set)
    try:
        await woken.wait()
    finally:
        timer.cancel()


class Patience:
    """Waits one after the other, each with a deadline of its own, at the price of few timers.

    `stall_guard` must not enclose a `yield`; this is for generators, which leave the wait before they give something.
    A timer that comes due early is set anew, so a stream of quick items costs one timer a deadline, not one an item.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: float | None = None
        self._timer: TimerHandle | None = None
        self._timer_at = 0.0
        self._scope: asyncio.Timeout | None = None

    async def wait(self, coming: Awaitable[Result]) -> Result:
        """What is awaited; raises `TimeoutError` once `until` has come."""
        try:
            async with asyncio.timeout(None) as self._scope:
                self._watch()
                return await coming
        finally:
            self._scope = None

    def until(self, when: float | None) -> None:
        """The deadline of the wait under way and of those to come; None for none."""
        self._until = when
        self._watch()

    def give_up(self) -> None:
        """Break off the wait under way."""
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(0.0)

    def close(self) -> None:
        """Leave no timer behind."""
        self._until = None
        self._stop()

    def _watch(self) -> None:
        if self._until is None or self._scope is None:
            return
        if self._timer is None or self._until < self._timer_at:
            self._stop()
            self._timer_at = self._until
            self._timer = self._clock.call_at(self._until, self._due)

    def _due(self) -> None:
        self._timer = None
        if self._until is not None and self._clock.now() >= self._until:
            self.give_up()
        else:
            self._watch()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
