"""One simulated call, from the first ring to the last status callback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from uuid import uuid4

from getpatter.carriers.base import DialRequest
from getpatter.errors import CarrierError
from getpatter.events import Direction
from getpatter.testing.bridge import bridge
from getpatter.testing.far_end import FarEnd, Listener
from getpatter.testing.far_end_stream import FarEndStream, StreamEnd
from getpatter.testing.parties import Party
from getpatter.testing.speech import Utterances
from getpatter.testing.twilio_line import TwilioLineCodec
from getpatter.testing.webhooks import Fields, Reports, Webhooks

ACCOUNT = "AC" + "0" * 32
SIP_BUSY = "486"
SIP_TERMINATED = "487"
"""The caller gave up (RFC 3261 section 21.4.25)."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What calls of one network share."""

    webhooks: Webhooks
    listener: Listener


@dataclass(frozen=True, slots=True)
class Legs:
    """Who is connected with whom; the numbers are those of the carrier's callbacks."""

    call_id: str
    direction: Direction
    from_number: str
    to_number: str

    def fields(self, status: str) -> list[tuple[str, str]]:
        """The form fields that every callback has."""
        return [
            ("CallSid", self.call_id),
            ("AccountSid", ACCOUNT),
            ("From", self.from_number),
            ("To", self.to_number),
            ("CallStatus", status),
            ("ApiVersion", "2010-04-01"),
            ("Direction", "inbound" if self.direction == "inbound" else "outbound-api"),
        ]


@dataclass(frozen=True, slots=True)
class Onward:
    """Whom a call in progress is to be connected to, and for how long it may ring there."""

    party: Party
    utterances: Utterances
    timeout_s: float

    @property
    def rings_s(self) -> float:
        return min(self.party.rings * self.party.ring_s, self.timeout_s)

    @property
    def picks_up(self) -> bool:
        return self.party.picks_up and self.party.rings * self.party.ring_s <= self.timeout_s


def new_call_id() -> str:
    return f"CA{uuid4().hex}"


class LineCall:
    """A call with a party at its far end.  Run `dial` or `connect` once; `hang_up` ends either at any time."""

    def __init__(self, exchange: Exchange, legs: Legs, party: Party, utterances: Utterances) -> None:
        self.legs = legs
        self.party = party
        self.far_end: FarEnd | None = None
        """There from the answer on."""
        self.onward: FarEnd | None = None
        """Whom the party was connected to, from their answer on."""
        self.ended = asyncio.Event()
        """The call is over and its callbacks are delivered or lost."""
        self._exchange = exchange
        self._utterances = utterances
        self._hang_up = asyncio.Event()
        self._stop_stream = asyncio.Event()
        self._going: Onward | None = None
        self._reports = Reports(exchange.webhooks)
        self._sequence = 0
        self._answered_at = 0.0

    def hang_up(self) -> None:
        """End the call as its owner, through the carrier."""
        self._hang_up.set()
        self._stop_stream.set()

    def redirect(self, onward: Onward) -> None:
        """Take the engine off the line and connect the party with somebody else.

        Raises `CarrierError` for a call that is not being talked in.
        """
        if self.far_end is None or self._stop_stream.is_set():
            raise CarrierError(f"The call {self.legs.call_id} is not in progress.", carrier_code="not_in_progress")
        self._going = onward
        self._stop_stream.set()

    async def dial(self, request: DialRequest) -> None:
        """Ring the party, talk if it picks up, and report to the request's URLs."""
        delivering = asyncio.create_task(self._reports.deliver(), name=f"reports of {self.legs.call_id}")
        try:
            await self._ring_and_talk(request)
            self._reports.finish()
            await delivering
        finally:
            delivering.cancel()
            self.ended.set()

    async def connect(self, url: str, parameters: Mapping[str, str], max_duration_s: float) -> StreamEnd:
        """Talk over a media stream to its end; raises `CarrierError` when the engine does not take it."""
        try:
            return await self._talk(url, parameters, max_duration_s, machine_detection_url="")
        finally:
            self.ended.set()

    async def _ring_and_talk(self, request: DialRequest) -> None:
        url, party = f"{request.webhooks_url}/status", self.party
        self._report(url, "initiated")
        if party.answers == "busy":
            return self._report(url, "busy", ("SipResponseCode", SIP_BUSY))
        self._report(url, "ringing")
        rings_s = party.rings * party.ring_s
        if await self._hung_up_within(min(rings_s, request.ring_timeout_s)):
            return self._report(url, "canceled", ("SipResponseCode", SIP_TERMINATED))
        if not party.picks_up or rings_s > request.ring_timeout_s:
            return self._report(url, "no-answer", ("SipResponseCode", SIP_TERMINATED))
        self._report(url, "in-progress")
        detect = f"{request.webhooks_url}/amd" if request.machine_detection else ""
        cause: Fields = ()
        try:
            await self._talk(request.stream.url, request.stream.parameters, request.max_duration_s, detect)
        except CarrierError as refused:
            # As with Twilio, a call whose stream cannot be opened has run out of document and is complete.
            cause = [("ErrorMessage", refused.message)]
        duration = round(time.monotonic() - self._answered_at)
        return self._report(url, "completed", ("CallDuration", str(duration)), *cause)

    async def _hung_up_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._hang_up.wait()
        except TimeoutError:
            return False
        return True

    async def _talk(
        self, url: str, parameters: Mapping[str, str], max_duration_s: float, machine_detection_url: str
    ) -> StreamEnd:
        self._answered_at = time.monotonic()
        codec = TwilioLineCodec(f"MZ{uuid4().hex}", self.legs.call_id, parameters, ACCOUNT)
        self.far_end = FarEnd(self.party, self._utterances, codec, self._exchange.listener)
        stream = FarEndStream(
            self.far_end,
            url,
            hang_up=self._stop_stream,
            headers=self._exchange.webhooks.stream_headers(url),
            on_greeting_over=lambda: self._report_detection(machine_detection_url),
        )
        limit = asyncio.get_running_loop().call_later(max_duration_s, self.hang_up)
        try:
            end = await stream.run()
            if self._going is not None:
                await self._talk_onward(self.far_end, self._going)
            return end
        finally:
            limit.cancel()
            self.far_end.close()

    async def _talk_onward(self, far_end: FarEnd, onward: Onward) -> None:
        """Ring and talk without the engine, as `<Dial>` does."""
        if await self._hung_up_within(onward.rings_s) or not onward.picks_up:
            return
        codec = TwilioLineCodec(f"MZ{uuid4().hex}", self.legs.call_id)
        self.onward = FarEnd(onward.party, onward.utterances, codec, self._exchange.listener)
        try:
            await bridge(far_end, self.onward, self._hang_up)
        finally:
            self.onward.close()

    def _report(self, url: str, status: str, *more: tuple[str, str]) -> None:
        sequence = [("SequenceNumber", str(self._sequence)), ("CallbackSource", "call-progress-events")]
        timestamp = [("Timestamp", formatdate(usegmt=True))]
        self._sequence += 1
        self._reports.send(url, [*self.legs.fields(status), *sequence, *timestamp, *more])

    def _report_detection(self, url: str) -> None:
        took_ms = round((time.monotonic() - self._answered_at) * 1000)
        answered_by = "machine_end_beep" if self.party.answers == "voicemail" else "human"
        fields = [("AnsweredBy", answered_by), ("MachineDetectionDuration", str(took_ms))]
        self._reports.send(url, [("CallSid", self.legs.call_id), ("AccountSid", ACCOUNT), *fields])
