"""The clock that all speaking calls send by."""

from __future__ import annotations

import logging
from collections.abc import Callable

from getpatter.audio.format import FRAME_S
from getpatter.beat import BEAT_S, Beat, Stage
from getpatter.clock import Clock

log = logging.getLogger(__name__)

Pump = Callable[[float], bool]
"""Sends what is due at the given monotonic time; False ends its turns."""

PHASES = round(FRAME_S / BEAT_S)
"""Calls are spread over the beats of a frame, so that none is long."""


class Pacer:
    """Calls pumps by the beat: with a timer of its own a call would cost more in timers than in audio."""

    def __init__(self, clock: Clock, beat: Beat | None = None) -> None:
        """Has a beat to itself when it is given none."""
        self._clock = clock
        self._beat = beat or Beat(clock)
        self._phases: list[list[Pump]] = [[] for _ in range(PHASES)]
        self._due = [0.0] * PHASES
        """When each phase has its turn next."""
        self._beating = False

    def add(self, pump: Pump) -> None:
        """Call `pump` every 20 ms from now on, until it returns False."""
        min(self._phases, key=len).append(pump)
        if not self._beating:
            self._beating = True
            self._due = [self._clock.now() + BEAT_S * (PHASES - phase) for phase in range(PHASES)]
            self._beat.join(Stage.SPEAK, self._send)

    def close(self) -> None:
        for phase in self._phases:
            phase.clear()
        self._rest()

    def _rest(self) -> None:
        if self._beating:
            self._beating = False
            self._beat.leave(Stage.SPEAK, self._send)

    def _send(self, now: float) -> None:
        for index, phase in enumerate(self._phases):
            # By time and not by count: a busy event loop leaves beats out, and what is due then must not wait longer.
            if now < self._due[index] - BEAT_S / 2:
                continue
            self._due[index] = max(self._due[index] + FRAME_S, now + FRAME_S / 2)
            # A pump may add another one while this goes on, so the list is changed in place.
            for pump in [pump for pump in tuple(phase) if not self._run(pump, now)]:
                phase.remove(pump)
        if not any(self._phases):
            self._rest()

    @staticmethod
    def _run(pump: Pump, now: float) -> bool:
        try:
            return pump(now)
        except Exception:  # one call's fault must not stop the clock of the others
            log.exception("a call could not send its audio")
            return False
