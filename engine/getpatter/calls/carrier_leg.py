"""One call as the carrier has it: what we ask of the carrier about it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from getpatter.calls.stream_pass import StreamPass
from getpatter.carriers.base import Carrier, DialRequest
from getpatter.clock import Clock, deadline, sleep
from getpatter.errors import CarrierError

log = logging.getLogger(__name__)

_T = TypeVar("_T")

PAUSE_S = 0.5
"""A `w` among keys."""
CARRIER_S = 30.0
"""Longest that a carrier may take to accept a call, or what is asked of it in a call."""


class CarrierLeg:
    """Every request has its deadline and raises `CarrierError`."""

    def __init__(self, carrier: Carrier, clock: Clock, webhooks_url: str) -> None:
        self.id = ""
        """The carrier's name for the call, once it has told us."""
        self._names: set[str] = set()
        self.stream_pass = StreamPass()
        self._carrier = carrier
        self._clock = clock
        self._webhooks_url = webhooks_url

    def named(self, carrier_call_id: str) -> bool:
        """The carrier calls the call so from now on; its stream may still come under an earlier name.

        False for a name that it had before: webhooks overtake the answer to a dial, which has the earliest.
        """
        if carrier_call_id in self._names:
            return False
        self._names.add(carrier_call_id)
        self.id = carrier_call_id
        self.stream_pass.good_for(carrier_call_id)
        return True

    async def dial(self, request: DialRequest) -> tuple[str, tuple[str, ...]]:
        """Have it rung; gives the carrier's name for the call, and the sentences that the far end expects to hear."""
        dialed = await self._in_time(self._carrier.dial(request), "take the call")
        return dialed.carrier_call_id, dialed.expected_phrases

    async def pick_up(self, command: Callable[[], Awaitable[None]]) -> None:
        await self._in_time(command(), "answer the call")

    async def press(self, digits: str, stream: Callable[[str], None]) -> bool:
        """Press keys, by the carrier or in a message of its `stream`; False where they must sound in our own audio."""
        match self._carrier.capabilities.keys:
            case "stream":
                await self._send(digits, stream)
            case "command":
                await self._in_time(self._carrier.send_dtmf(self.id, digits), "press the keys")
            case "tones":
                return False
        return True

    async def _send(self, digits: str, stream: Callable[[str], None]) -> None:
        """Streams know no pauses."""
        for number, keys in enumerate(digits.split("w")):
            if number:
                await sleep(self._clock, PAUSE_S)
            if keys:
                stream(keys)

    async def record(self) -> None:
        """Have the carrier record it, too."""
        await self._in_time(self._carrier.start_recording(self.id, self._webhooks_url), "record the call")

    async def leave_message(self, text: str, language: str) -> None:
        """Have the carrier's voice say `text` and hang up."""
        await self._in_time(self._carrier.leave_message(self.id, text, language), "leave the message")

    async def _in_time(self, asked: Awaitable[_T], what: str) -> _T:
        try:
            async with deadline(self._clock, self._clock.now() + CARRIER_S):
                return await asked
        except TimeoutError:
            raise CarrierError(f"The carrier did not {what} within {CARRIER_S:g} s.") from None
