"""A real carrier's office, as far as it is asked about calls that are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal, NoReturn

from getpatter.carriers.base import (
    Answer,
    Capabilities,
    CarrierCall,
    Dialed,
    DialRequest,
    InboundCall,
    RecordingReady,
    StreamTarget,
    Webhook,
    WebhookRequest,
)
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.carriers.unable import Unable
from getpatter.errors import CarrierError

Said = CarrierCall | CarrierError | None
"""An answer, a refusal, or silence."""


class ToldCarrier(Unable):
    """Says about calls and recordings what a test has told it, and writes down what it was asked."""

    capabilities = Capabilities(recording=True)
    webhooks: Mapping[str, Sequence[str]] = {}

    def __init__(self, name: str = "twilio") -> None:
        self.name = name
        self.calls: dict[str, Said] = {}
        """What it says of each call, by its own name for it; of others, that there is no such call."""
        self.recordings: dict[str, list[Sequence[bytes] | CarrierError | None]] = {}
        """What each attempt to fetch a recording gives, by the recording's id: pieces, a refusal, or silence."""
        self.asked: list[str] = []
        self.fetched: list[str] = []
        self.hung_up: list[str] = []

    async def fetch_call(self, carrier_call_id: str) -> CarrierCall:
        self.asked.append(carrier_call_id)
        said = self.calls.get(carrier_call_id, CarrierError("There is no such call."))
        if isinstance(said, CarrierError):
            raise said
        return said if said is not None else await _silence()

    async def fetch_recording(self, recording: RecordingReady) -> AsyncIterator[bytes]:
        self.fetched.append(recording.recording_id)
        attempts = self.recordings[recording.recording_id]
        said = attempts.pop(0) if len(attempts) > 1 else attempts[0]
        if isinstance(said, CarrierError):
            raise said
        for piece in said if said is not None else await _silence():
            yield piece

    async def hang_up(self, carrier_call_id: str) -> None:
        self.hung_up.append(carrier_call_id)

    async def dial(self, request: DialRequest) -> Dialed:
        raise self._cannot("place calls")

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        raise self._cannot("transfer calls")

    def verify(self, request: WebhookRequest) -> None:
        raise self._cannot("sign webhooks")

    def parse(self, request: WebhookRequest) -> Webhook:
        raise self._cannot("send webhooks")

    def answer(self, call: InboundCall, stream: StreamTarget, webhooks_url: str) -> Answer:
        raise self._cannot("bring calls")

    def reject(self, call: InboundCall, reason: Literal["busy", "rejected"]) -> Answer:
        raise self._cannot("bring calls")

    def media_codec(self) -> TwilioMediaCodec:
        return TwilioMediaCodec()

    async def close(self) -> None:
        pass


async def _silence() -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError("nobody ends the silence")
