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
        self._beat = beat or Beat(clock)
        self._phases: list[list[Pump]] = [[] for _ in range(PHASES)]
        self._phase = 0
        self._beating = False

    def add(self, pump: Pump) -> None:
        """Call `pump` every 20 ms from now on, until it returns False."""
        min(self._phases, key=len).append(pump)
        if not self._beating:
            self._beating = True
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
        self._phase = (self._phase + 1) % PHASES
        if phase := self._phases[self._phase]:
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
