"""Asking after a call of which the carrier says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from getpatter.calls.asking import ask
from getpatter.calls.ending import Ending, failed
from getpatter.calls.status import TERMINAL, ending_of
from getpatter.carriers.base import Carrier, CarrierCall
from getpatter.clock import Clock, sleep
from getpatter.errors import CarrierError
from getpatter.events import Direction

MARGIN_S: Final = 10.0
"""How much later than the ring timeout a carrier may say what became of the call, unasked."""
QUEUED_S: Final = 300.0
"""Longest that a carrier may keep a call in its queue: by default Twilio places one a second."""


class AnswerWatch:
    """One call's: `start` it when the carrier has taken the call, `stop` it when there is a media stream."""

    def __init__(self, carrier: Carrier, clock: Clock, direction: Direction, end: Callable[[Ending], None]) -> None:
        self._carrier = carrier
        self._clock = clock
        self._direction = direction
        self._end = end
        self._ring_timeout_s = 0.0
        self._rang = False
        self._due = 0.0
        self._doubts = 0
        """Answers so far that leave nothing to wait for; one of them may be a moment old, or a request that failed."""
        self._task: asyncio.Task[None] | None = None

    def start(self, named: Callable[[], str], ring_timeout_s: float) -> None:
        """`named` gives the carrier's name for the call, which may change."""
        self._ring_timeout_s = ring_timeout_s
        self._wait(ring_timeout_s + MARGIN_S)
        self._task = asyncio.create_task(self._watch(named))

    def rang(self) -> None:
        """It rings there: the carrier had kept the call in its queue until now."""
        if not self._rang:
            self._rang = True
            self._wait(self._ring_timeout_s + MARGIN_S)

    def stop(self) -> None:
        """May be called twice, and before the start."""
        if self._task is not None:
            self._task.cancel()

    def _wait(self, seconds: float) -> None:
        self._due = self._clock.now() + seconds

    async def _watch(self, named: Callable[[], str]) -> None:
        queued_until = self._clock.now() + QUEUED_S
        while True:
            while (left := self._due - self._clock.now()) > 0:
                await sleep(self._clock, left)
            found = await ask(self._carrier, named(), self._clock)
            if self._due > self._clock.now():
                continue  # it has begun to ring meanwhile
            ending = self._judge(found, may_queue=self._clock.now() < queued_until)
            if ending is not None:
                self._end(ending)
                return

    def _judge(self, found: CarrierCall | None, *, may_queue: bool) -> Ending | None:
        """The end of the call; None to ask once more when it is due."""
        status = found.status if found is not None else None
        if found is not None and found.status in TERMINAL:
            return ending_of(found.status, found.cause, answered=False, direction=self._direction)
        if status == "ringing" and not self._rang:
            self.rang()
            return None
        if status != "queued" or not may_queue:
            self._doubts += 1
        if self._doubts < 2:
            self._wait(MARGIN_S)
            return None
        return self._never_opened() if status == "in_progress" else self._given_up()

    @staticmethod
    def _never_opened() -> Ending:
        error = CarrierError(
            "The call was answered, but the carrier never opened its media stream.",
            next_step="The carrier must reach us by wss at the public URL: `getpatter doctor` tries it.",
        )
        return failed(error, ended_by="carrier")

    def _given_up(self) -> Ending:
        if self._direction == "inbound":
            return failed(CarrierError("The carrier never opened the call's media stream."), ended_by="carrier")
        error = CarrierError("The carrier never said whether the call was answered.")
        return Ending("no_answer", "carrier", error.message, error)
