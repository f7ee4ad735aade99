"""The 20 ms clock that all speaking calls share."""

from __future__ import annotations

import logging
from collections.abc import Callable

from getpatter.audio.format import FRAME_S
from getpatter.clock import Clock, TimerHandle

log = logging.getLogger(__name__)

Pump = Callable[[float], bool]
"""Sends what is due at the given monotonic time; False ends its turns."""

PHASES = 4
"""Calls are spread over this many moments of a frame, so that no tick is long."""


class Pacer:
    """One timer for all calls: with a timer of its own a call would cost more in timers than in audio."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._phases: list[list[Pump]] = [[] for _ in range(PHASES)]
        self._phase = 0
        self._next = 0.0
        self._timer: TimerHandle | None = None

    def add(self, pump: Pump) -> None:
        """Call `pump` every 20 ms from now on, until it returns False."""
        min(self._phases, key=len).append(pump)
        if self._timer is None:
            self._next = self._clock.now()
            self._schedule(self._next)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for phase in self._phases:
            phase.clear()

    def _schedule(self, now: float) -> None:
        self._next += FRAME_S / PHASES
        if self._next < now - FRAME_S:
            self._next = now  # the loop was held up; utterances catch up by their own clocks
        self._timer = self._clock.call_at(self._next, self._tick)

    def _tick(self) -> None:
        now = self._clock.now()
        self._phase = (self._phase + 1) % PHASES
        if phase := self._phases[self._phase]:
            # A pump may add another one while this goes on, so the list is changed in place.
            for pump in [pump for pump in tuple(phase) if not self._run(pump, now)]:
                phase.remove(pump)
        if any(self._phases):
            self._schedule(now)
        else:
            self._timer = None

    @staticmethod
    def _run(pump: Pump, now: float) -> bool:
        try:
            return pump(now)
        except Exception:  # one call's fault must not stop the clock of the others
            log.exception("a call could not send its audio")
            return False
