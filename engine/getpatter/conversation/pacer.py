"""The 20 ms clock that all speaking calls share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

Pump = Callable[[float], bool]
"""Sends what is due at the given monotonic time; False ends its turns."""

PHASES = 4
PERIOD_S = 0.02
"""Telephone frames are 20 ms (RFC 3551); calls are spread over phases so that no tick is long."""


class Pacer:
    """One timer for all calls: with a timer of its own a call would cost more in timers than in audio."""

    def __init__(self) -> None:
        self._phases: list[list[Pump]] = [[] for _ in range(PHASES)]
        self._phase = 0
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, pump: Pump) -> None:
        """Call `pump` every 20 ms from now on, until it returns False."""
        min(self._phases, key=len).append(pump)
        if self._timer is None:
            self._next = time.monotonic()
            self._schedule()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for phase in self._phases:
            phase.clear()

    def _schedule(self) -> None:
        self._next += PERIOD_S / PHASES
        now = time.monotonic()
        if self._next < now - PERIOD_S:
            self._next = now  # the loop was held up; utterances catch up by their own clocks
        self._timer = asyncio.get_running_loop().call_later(max(0.0, self._next - now), self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        self._phase = (self._phase + 1) % PHASES
        phase = self._phases[self._phase]
        if phase:
            self._phases[self._phase] = [pump for pump in phase if self._run(pump, now)]
        if any(self._phases):
            self._schedule()
        else:
            self._timer = None

    @staticmethod
    def _run(pump: Pump, now: float) -> bool:
        try:
            return pump(now)
        except Exception:  # one call's fault must not stop the clock of the others
            log.exception("a call could not send its audio")
            return False
