"""What a carrier is to the rest of the house, and what passes between the two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from getpatter.errors import CarrierError

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

    def press(self, digits: str) -> bytes:
        """The message that has the carrier press keys: `0` to `9`, `*`, `#`, `A` to `D`.  Pauses among keys are waited
        for by whoever asks.

        Only where `Capabilities.keys` is `stream`; raises `MediaError` elsewhere, and for what is no key.
        """


# -- calls ------------------------------------------------------------------------------------------------------

CarrierStatus = Literal["queued", "ringing", "in_progress", "completed", "busy", "no_answer", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class StreamTarget:
    """Where a call's media stream is to be opened; `parameters` come back in `StreamStarted`."""

    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DialRequest:
    """A call to place.  URLs are absolute and reachable for the carrier."""

    call_id: str
    to_number: str
    from_number: str
    stream: StreamTarget
    webhooks_url: str
    """What the paths of the carrier's webhooks are appended to: `https://<host>/webhooks/<carrier>`."""
    ring_timeout_s: float = 25.0
    max_duration_s: float = 600.0
    machine_detection: bool = True


@dataclass(frozen=True, slots=True)
class Dialed:
    """The carrier's name for the call, and the sentences it expects to hear if it knows them (simulated lines do)."""

    carrier_call_id: str
    expected_phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultRequest:
    """A colleague to call who is to take a caller over.

    Whoever answers is asked to press a key, so that no answering machine hears `summary`.  Who does hears it, and then
    waits for the caller; the call to who does not ends by itself.
    """

    carrier_call_id: str
    """The caller's."""
    to_number: str
    from_number: str
    summary: str
    language: str
    webhooks_url: str
    ring_timeout_s: float = 30.0
    max_duration_s: float = 3600.0
    """Of the colleague's call, the time with the caller included."""


@dataclass(frozen=True, slots=True)
class Price:
    """What the carrier charges for a call; never negative."""

    amount: Decimal
    currency: str
    """ISO 4217, upper case."""


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """A call as the carrier has it now; `price` is None until it is known, which takes minutes."""

    status: CarrierStatus
    cause: str = ""
    duration_s: float | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class NumberSetup:
    """What was done with a number so that its calls come to us."""

    number: str
    changed: bool
    previous_url: str = field(default="", repr=False)
    """What it called before, another system's perhaps and with its credentials: `public_url.shown` says what of it may
    be told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at to see whether the telephone can work."""

    about: str
    level: Literal["ok", "warning", "error"]
    message: str
    next_step: str = ""

    @classmethod
    def of(cls, error: CarrierError, *, about: str) -> Finding:
        """What came of looking at it was this error."""
        return cls(about, "error", error.message, error.next_step or "")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a carrier can do beside what all can."""

    keys: Literal["tones", "stream", "command"] = "tones"
    """How we press keys: as sound in our audio, by `MediaCodec.press`, or by `Carrier.send_dtmf`."""
    warm_transfer: bool = False
    recording: bool = False
    simulated: bool = False
    """Its calls reach nobody real and cost nothing."""


# -- webhooks ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request from a carrier as it came.  `url` is the public URL that the carrier was told to call."""

    method: str
    url: str
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes
    kind: str = ""
    """Which of the carrier's `webhooks` it is."""


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    body: bytes = b""
    content_type: str = "text/plain"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do with an inbound call: the response goes back at once, the command, where there is one, follows.

    The command raises `CarrierError`.
    """

    response: WebhookResponse = WebhookResponse()
    command: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class InboundCall:
    """Somebody rings one of our numbers and waits for an answer."""

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
    """The carrier's own word or code for why."""


@dataclass(frozen=True, slots=True)
class CallRenamed:
    """The carrier calls a call that it took as `carrier_call_id` something else from now on.

    For a call that we place `carrier_call_id` may be our own name, `DialRequest.call_id`: so it becomes known although
    the answer to the dial was lost.  It is told again with each event; repeats say nothing new.
    """

    carrier_call_id: str
    new_id: str


@dataclass(frozen=True, slots=True)
class MachineDetection:
    """Who or what took the call."""

    carrier_call_id: str
    classification: Literal["human", "machine", "fax", "unknown"]
    greeting_ended: bool
    """The greeting is over: a message left now is recorded."""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class StreamFailed:
    """The carrier could not open or keep the call's media stream."""

    carrier_call_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class ColleagueReady:
    """Whoever was consulted has heard the summary and waits; `carrier_call_id` is their call's."""

    carrier_call_id: str


@dataclass(frozen=True, slots=True)
class RecordingReady:
    """The carrier's recording of a call can be fetched, for some carriers for a few minutes only."""

    carrier_call_id: str
    recording_id: str
    url: str
    duration_s: float | None = None


CarrierEvent = (
    InboundCall | StatusChanged | CallRenamed | MachineDetection | StreamFailed | ColleagueReady | RecordingReady
)


@dataclass(frozen=True, slots=True)
class Webhook:
    """What a verified request says, and what to answer it with unless it is an `InboundCall`."""

    events: Sequence[CarrierEvent] = ()
    response: WebhookResponse = WebhookResponse()
    delivery_id: str = ""
    """The same for each delivery of one message, where the carrier names them."""
    command: Callable[[], Awaitable[None]] | None = None
    """What is to be done once the response is on its way, as in `Answer`; left out for a delivery that is a repeat."""


class Carrier(Protocol):
    """A telephone company.  One object serves all calls; coroutines raise `CarrierError` and have their own time
    limits.  `carrier_call_id` is always the carrier's name for a call."""

    @property
    def name(self) -> str:
        """Lower case, as in the paths `/webhooks/<name>/voice` and `/ws/<name>/stream/<call>`."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def webhooks(self) -> Mapping[str, Sequence[str]]:
        """Paths below `/webhooks/<name>/` and the HTTP methods of each; `voice` is what a number is pointed at."""

    # -- calls

    async def dial(self, request: DialRequest) -> Dialed:
        """Place a call.  One that fails without an answer may have been placed: then its webhooks tell, by
        `CallRenamed` from `request.call_id`."""

    async def hang_up(self, carrier_call_id: str) -> None:
        """End the call; one that is over already is no error."""

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        """Connect the far end to `number` (E.164), which rings for at most `timeout_s`, and leave the call (a cold
        transfer): our media stream ends.  Raises when the carrier refuses; the call is ours then still."""

    async def consult(self, request: ConsultRequest) -> str:
        """Call a colleague for a warm transfer; gives the carrier's id of that call.

        `StatusChanged` tells how it goes, `ColleagueReady` that the caller may be put through.
        """

    async def connect(self, carrier_call_id: str, colleague_call_id: str) -> None:
        """Put the caller through to a colleague who is ready: our media stream ends."""

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        """Press keys: `0` to `9`, `*`, `#`, `A` to `D`, and `w` for a pause of half a second."""

    async def leave_message(self, carrier_call_id: str, text: str, language: str) -> None:
        """Have the carrier's own voice say `text`, then hang up; our media stream ends.  For when ours fails."""

    async def start_recording(self, carrier_call_id: str, webhooks_url: str) -> None:
        """Have the carrier record the call, in stereo; `RecordingReady` follows after its end."""

    def fetch_recording(self, recording: RecordingReady) -> AsyncIterator[bytes]:
        """The audio file, in pieces."""

    async def fetch_call(self, carrier_call_id: str) -> CarrierCall:
        """The call as the carrier has it now."""

    # -- numbers and the account

    async def configure_number(self, number: str, webhooks_url: str) -> NumberSetup:
        """Have calls to `number` come to our `voice` webhook."""

    async def examine(self, number: str, webhooks_url: str) -> Sequence[Finding]:
        """Look whether the account, the number and its webhook can work; changes nothing and rings nobody.

        Where our URL is not known yet `webhooks_url` is empty, and only errors count of what is said about the
        webhook; the `about` of those findings ends in `webhook`.
        """

    # -- what comes in

    def verify(self, request: WebhookRequest) -> None:
        """Raise `InvalidSignature` unless the carrier sent this, lately.

        What signs a request is in a header that has `signature` in its name.
        """

    def verify_stream(self, request: WebhookRequest) -> None:
        """The same for the request that opens a media stream; nothing where the carrier does not sign those."""

    def parse(self, request: WebhookRequest) -> Webhook:
        """What a verified webhook says; raises `CarrierError` for a malformed one."""

    def answer(self, call: InboundCall, stream: StreamTarget, webhooks_url: str) -> Answer:
        """Connect an inbound call to our media stream."""

    def reject(self, call: InboundCall, reason: Literal["busy", "rejected"]) -> Answer:
        """Turn an inbound call away."""

    def media_codec(self) -> MediaCodec: ...

    async def close(self) -> None: ...
