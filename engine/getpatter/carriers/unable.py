"""What a carrier answers for things that it cannot do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from getpatter.carriers.base import (
    CarrierCall,
    ConsultRequest,
    Finding,
    NumberSetup,
    RecordingReady,
    WebhookRequest,
)
from getpatter.errors import CarrierError


class Unable:
    """The part of `Carrier` that `Capabilities` makes optional, and what needs no account, all refused.

    For carriers to inherit that are smaller than the contract, such as simulated ones.
    """

    name: str

    async def consult(self, request: ConsultRequest) -> str:
        raise self._cannot("call a colleague before a transfer")

    async def connect(self, carrier_call_id: str, colleague_call_id: str) -> None:
        raise self._cannot("put a caller through to a colleague")

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        raise self._cannot("press keys for us")

    async def leave_message(self, carrier_call_id: str, text: str, language: str) -> None:
        raise self._cannot("speak for us")

    async def start_recording(self, carrier_call_id: str, webhooks_url: str) -> None:
        raise self._cannot("record calls")

    async def fetch_recording(self, recording: RecordingReady) -> AsyncIterator[bytes]:
        raise self._cannot("record calls")
        yield b""  # makes it the generator that the contract has

    async def fetch_call(self, carrier_call_id: str) -> CarrierCall:
        raise self._cannot("be asked about calls")

    async def configure_number(self, number: str, webhooks_url: str) -> NumberSetup:
        return NumberSetup(number, changed=False)

    async def examine(self, number: str, webhooks_url: str) -> Sequence[Finding]:
        return ()

    def verify_stream(self, request: WebhookRequest) -> None:
        """Streams are not signed; their token admits them."""

    def _cannot(self, what: str) -> CarrierError:
        return CarrierError(f"The carrier {self.name!r} cannot {what}.")
