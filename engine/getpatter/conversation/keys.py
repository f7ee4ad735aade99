"""Keys that the caller was asked to press."""

from __future__ import annotations

import asyncio

from getpatter.clock import Clock, TimerHandle

FINISHING_S = 1.0
"""A finishing key this soon after the last of all keys is a habit, and no answer to what comes next."""


class DigitCollector:
    """One collection: `digits` is done with enough keys, with the finishing key, or when no more come."""

    def __init__(self, clock: Clock, max_digits: int, finish_on: str, timeout_s: float) -> None:
        self._clock = clock
        self._max_digits = max_digits
        self._finish_on = finish_on
        self._timeout_s = timeout_s
        self._pressed = ""
        self._timer: TimerHandle | None = None
        self._finishing_until = 0.0
        self.digits: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def press(self, digit: str) -> bool:
        """Whether the key is a part of the collection."""
        if self.digits.done():
            return digit == self._finish_on and self._finishes_late()
        if digit == self._finish_on:
            self.finish()
            return True
        self._pressed += digit
        if len(self._pressed) < self._max_digits:
            self.wait()
        else:
            self._finishing_until = self._clock.now() + FINISHING_S
            self.finish()
        return True

    def _finishes_late(self) -> bool:
        """Once."""
        in_time = self._clock.now() < self._finishing_until
        self._finishing_until = 0.0
        return in_time

    def finish(self) -> None:
        """It is over with what there is."""
        if self._timer is not None:
            self._timer.cancel()
        if not self.digits.done():
            self.digits.set_result(self._pressed)

    def wait(self) -> None:
        """From now on the next key is waited for `timeout_s` seconds; without this, for ever."""
        if self._timer is not None:
            self._timer.cancel()
        if self.digits.done():
            return
        self._timer = self._clock.call_at(self._clock.now() + self._timeout_s, self.finish)
