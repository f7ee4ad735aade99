"""Time that passes at once while nobody outside is waited for, so that a conversation takes as long as its model."""

from __future__ import annotations

import math
from collections.abc import Callable

from getpatter.clock import Clock, SystemClock, sleep
from getpatter.testing.clock import ManualClock
from getpatter.trying.outside import Outside, rest

OUTSIDE_S = 0.01
"""While something outside is waited for, the conversation's time follows the real one in such steps."""


class PassingTime:
    """Moves `clock`, which stands still whenever nobody waits in `until`.

    From one timer to the next it takes no time, or with `paced` as long as it says.  While `outside` is busy the
    clock goes with the real one in either case: latencies, time limits and fillers are then what they are in a call.
    """

    def __init__(self, outside: Outside, *, paced: bool = False, real: Clock | None = None) -> None:
        self._real = real or SystemClock()
        self.clock = ManualClock(wall=self._real.wall())
        self._outside = outside
        self._paced = paced

    async def until(self, done: Callable[[], bool], *, limit_s: float = math.inf) -> bool:
        """Let time pass until `done`; False when `limit_s` seconds of it passed before, or nothing is left to come."""
        end = self.clock.now() + limit_s
        while True:
            await rest()
            if done():
                return True
            now = self.clock.now()
            if now >= end:
                return False
            if self._outside.busy:
                await self._really(min(OUTSIDE_S, end - now))
                continue
            due = self.clock.next_timer
            step = min(end if due is None else due, end) - now
            if math.isinf(step):
                return False
            await self._pass(max(0.0, step))

    async def _pass(self, seconds: float) -> None:
        if self._paced and seconds > 0:
            await self._really(seconds)
        else:
            self.clock.advance(seconds)

    async def _really(self, seconds: float) -> None:
        began = self._real.now()
        await sleep(self._real, seconds)
        # A busy machine sleeps too long; the clock must not fall behind what people see.
        self.clock.advance(max(0.0, self._real.now() - began))
