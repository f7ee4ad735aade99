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
        self._task: asyncio.Task[None] | None = None

    def start(self, carrier_call_id: str, ring_timeout_s: float) -> None:
        self._task = asyncio.create_task(self._watch(carrier_call_id, ring_timeout_s + MARGIN_S))

    def stop(self) -> None:
        """May be called twice, and before the start."""
        if self._task is not None:
            self._task.cancel()

    async def _watch(self, carrier_call_id: str, first_s: float) -> None:
        wait_s, queued_until = first_s, self._clock.now() + QUEUED_S
        asked_before = False
        while True:
            await sleep(self._clock, wait_s)
            found = await ask(self._carrier, carrier_call_id, self._clock)
            ending = self._judge(found, last=asked_before, may_queue=self._clock.now() < queued_until)
            if ending is not None:
                self._end(ending)
                return
            asked_before |= found is None or found.status != "queued"
            wait_s = MARGIN_S

    def _judge(self, found: CarrierCall | None, *, last: bool, may_queue: bool) -> Ending | None:
        """The end of the call; None to ask once more."""
        if found is not None and found.status in TERMINAL:
            return ending_of(found.status, found.cause, answered=False, direction=self._direction)
        if found is not None and found.status == "queued" and may_queue:
            return None
        if found is not None and found.status == "ringing" and not last:
            return None
        if found is None or found.status in ("queued", "ringing"):
            return self._given_up()
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
