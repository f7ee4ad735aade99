"""What a carrier is to the rest of the house, and what passes between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec

# -- the media stream -------------------------------------------------------------------------------------------


class StreamStarted(msgspec.Struct, frozen=True):
    """The carrier opened the stream of a call; `parameters` are those of the answer document."""

    stream_id: str
    carrier_call_id: str
    parameters: dict[str, str]


class AudioReceived(msgspec.Struct, frozen=True):
    """A run of µ-law audio from the far end, usually 20 ms."""

    payload: bytes


class DtmfReceived(msgspec.Struct, frozen=True):
    digit: str


class MarkPlayed(msgspec.Struct, frozen=True):
    """The audio before this mark was played.  Marks that were pending when we sent a `clear` are never reported."""

    name: str


class StreamStopped(msgspec.Struct, frozen=True):
    """The carrier ended the stream: the far end hung up, or the call was redirected."""


MediaEvent = StreamStarted | AudioReceived | DtmfReceived | MarkPlayed | StreamStopped


class MediaCodec(Protocol):
    """One carrier's stream protocol for one live stream: messages in, messages out, no I/O."""

    @property
    def dtmf_events(self) -> bool:
        """Keys come as `DtmfReceived`.  False where they are only to be heard in the caller's audio."""

    def decode(self, message: str | bytes) -> MediaEvent | None:
        """The event in a message; None for one that says nothing to us.  Raises `MediaError` for a broken one."""

    def play(self, audio: bytes) -> bytes:
        """The message that queues µ-law `audio` for playing."""

    def mark(self, name: str) -> bytes:
        """The message that asks to be told, as `MarkPlayed(name)`, when all queued so far was played."""

    def clear(self) -> bytes:
        """The message that drops all queued audio and with it the marks that are pending."""


# -- calls ------------------------------------------------------------------------------------------------------

CarrierStatus = Literal["queued", "ringing", "in_progress", "completed", "busy", "no_answer", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class DialRequest:
    """A call to place.  URLs are absolute and reachable for the carrier; `parameters` come back in `StreamStarted`."""

    call_id: str
    to_number: str
    from_number: str
    stream_url: str
    status_url: str
    machine_detection_url: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    ring_timeout_s: float = 25.0
    max_duration_s: float = 600.0
    machine_detection: bool = True


@dataclass(frozen=True, slots=True)
class Dialed:
    """The carrier's name for the call, and the sentences it expects to hear if it knows them (simulated lines do)."""

    carrier_call_id: str
    expected_phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request from a carrier as it came.  `url` is the public URL that the carrier was told to call."""

    method: str
    url: str
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    body: bytes = b""
    content_type: str = "text/plain"
    status: int = 200


@dataclass(frozen=True, slots=True)
class InboundCall:
    """Somebody rings one of our numbers and waits for an answer document."""

    carrier_call_id: str
    from_number: str
    to_number: str
    expected_phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """`sequence` orders the changes of one call where the carrier numbers them; deliveries may be out of order."""

    carrier_call_id: str
    status: CarrierStatus
    sequence: int | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class MachineDetectionResult:
    carrier_call_id: str
    classification: Literal["human", "machine", "fax", "unknown"]
    greeting_ended: bool
    """The greeting is over: a message left now is recorded."""
    raw: str = ""


CarrierEvent = InboundCall | StatusChanged | MachineDetectionResult


class Carrier(Protocol):
    """A telephone company.  One object serves all calls; methods raise `CarrierError`."""

    @property
    def name(self) -> str:
        """Lower case, as in the paths `/webhooks/<name>/voice` and `/ws/<name>/stream/<call>`."""

    async def dial(self, request: DialRequest) -> Dialed: ...

    async def hang_up(self, carrier_call_id: str) -> None:
        """End the call; one that is over already is no error."""

    async def transfer(self, carrier_call_id: str, number: str, *, timeout_s: float = 30.0) -> None:
        """Connect the far end to `number` (E.164), which rings for at most `timeout_s`, and leave the call (a cold
        transfer): our media stream ends.  Raises `CarrierError` when the carrier refuses; the call is ours then still.
        """

    def verify(self, request: WebhookRequest) -> None:
        """Raise `InvalidSignature` unless the carrier sent this."""

    def parse(self, request: WebhookRequest) -> Sequence[CarrierEvent]:
        """The events in a verified webhook; raises `CarrierError` for a malformed one."""

    def answer(self, stream_url: str, parameters: Mapping[str, str]) -> WebhookResponse:
        """The document that connects an inbound call to our media stream."""

    def reject(self, reason: str) -> WebhookResponse:
        """The document that turns an inbound call away."""

    def media_codec(self) -> MediaCodec: ...

    async def close(self) -> None: ...
