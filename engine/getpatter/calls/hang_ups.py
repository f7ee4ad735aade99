"""Ending legs of calls for good: a line that stays open is paid for, and somebody listens to silence on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from getpatter.calls.legs import Legs
from getpatter.calls.status import TERMINAL
from getpatter.carriers.base import CallRenamed, Carrier, CarrierEvent, StatusChanged
from getpatter.clock import Clock, deadline, sleep
from getpatter.errors import CarrierError

log = logging.getLogger(__name__)

TRY_S: Final = 20.0
"""Longest that one attempt may take, with the carrier's own repetitions."""
WAITS_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)
"""Between attempts; together more than half an hour."""
SETTLE_S: Final = 3.0
"""How long a carrier has to say by itself that a call is over whose stream it has ended."""
ORPHAN_S: Final = 120.0
"""How long a call may come to light that the carrier never answered us about."""
CLOSE_S: Final = 10.0
"""Longest that the engine's stop waits for lines to be closed."""


class HangUps:
    """Every leg that is let go of here is hung up until the carrier has done it or says that it is over."""

    def __init__(self, carrier: Carrier, legs: Legs, clock: Clock) -> None:
        self._carrier = carrier
        self._legs = legs
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def let_go(self, carrier_call_id: str, *, grace_s: float = 0.0) -> asyncio.Task[None]:
        """Hang up in the background, after `grace_s` in which the carrier may say that it is over anyway."""
        return self._spawn(self._end(_Leg(carrier_call_id, self._legs), grace_s))

    def watch_for(self, name: str) -> None:
        """A call was asked for under this name of ours, and the carrier never answered: should it come to light, it is
        hung up."""
        self._spawn(self._await_orphan(name))

    async def close(self) -> None:
        """Try for `CLOSE_S` to end what is left."""
        self._closing.set()
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=CLOSE_S)
            for task in left:
                log.error("%s: a line may have stayed open", self._carrier.name)
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="hanging up")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _end(self, leg: _Leg, grace_s: float) -> None:
        try:
            if grace_s:
                await self._until(grace_s, leg.over)
            for wait_s in (*WAITS_S, None):
                if leg.over.is_set() or await self._tried(leg):
                    return
                if wait_s is None or self._closing.is_set():
                    break
                await self._until(wait_s, leg.over)
            log.error("%s did not hang up a call; it may have stayed open", self._carrier.name)
        finally:
            leg.leave()

    async def _tried(self, leg: _Leg) -> bool:
        """Whether the carrier has done it, under each of the leg's names."""
        try:
            async with deadline(self._clock, self._clock.now() + TRY_S):
                for name in tuple(leg.names):
                    await self._carrier.hang_up(name)
        except TimeoutError:
            log.warning("%s did not hang up within %g s; it is tried again", self._carrier.name, TRY_S)
            return False
        except CarrierError as error:
            log.warning("%s did not hang up; it is tried again: %s", self._carrier.name, error.message)
            return False
        return True

    async def _await_orphan(self, name: str) -> None:
        leg = _Leg(name, self._legs)
        try:
            await self._until(ORPHAN_S, leg.found)
            if leg.found.is_set():
                log.warning("%s placed a call after all that it had not told us of; it is hung up", self._carrier.name)
                leg.names.remove(name)
                await self._end(leg, 0.0)
        finally:
            leg.leave()

    async def _until(self, seconds: float, event: asyncio.Event) -> None:
        """Wait for the event, but no longer than that and than until the engine stops."""
        waits = [asyncio.create_task(one) for one in (sleep(self._clock, seconds), event.wait(), self._closing.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


class _Leg:
    """What the carrier says of a leg meanwhile."""

    def __init__(self, name: str, legs: Legs) -> None:
        self.names = [name]
        self.over = asyncio.Event()
        self.found = asyncio.Event()
        self._legs = legs
        legs.claim(name, self.hear)

    def hear(self, event: CarrierEvent) -> None:
        if isinstance(event, StatusChanged) and event.status in TERMINAL:
            self.over.set()
        elif isinstance(event, CallRenamed) and event.new_id not in self.names:
            self.names.append(event.new_id)
            self.found.set()

    def leave(self) -> None:
        self._legs.release(self.hear)
