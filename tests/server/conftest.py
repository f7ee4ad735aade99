"""Carriers as they call us, and the carrier listener before a switchboard that writes down what reaches it."""

from __future__ import annotations

import itertools
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias
from urllib.parse import parse_qsl, urlencode

import pytest
from plivo.utils.signature_v3 import construct_get_url, construct_post_url, get_signature_v3
from twilio.request_validator import RequestValidator

from getpatter.calls.media import MediaSocket
from getpatter.calls.session import MediaStream
from getpatter.calls.stream_pass import StreamPass
from getpatter.carriers.base import Carrier, CarrierEvent, InboundCall, StreamStarted, WebhookResponse
from getpatter.carriers.plivo import extra_headers
from getpatter.carriers.plivo.account import Plivo
from getpatter.carriers.plivo.carrier import PlivoCarrier
from getpatter.carriers.telnyx.account import Telnyx
from getpatter.carriers.telnyx.carrier import TelnyxCarrier
from getpatter.carriers.twilio.account import Twilio
from getpatter.carriers.twilio.carrier import TwilioCarrier
from getpatter.errors import MediaError, Replayed
from getpatter.server.carrier_app import CarrierEdge
from getpatter.server.listener import Listener
from getpatter.server.media_socket import media_protocol
from getpatter.testing.carrier import SimCarrier
from getpatter.testing.clock import ManualClock
from getpatter.testing.plivo_line import PlivoLineCodec
from getpatter.testing.signing import signature_headers, sim_secret
from getpatter.testing.telnyx_webhooks import TelnyxSigner, telnyx_event
from getpatter.testing.twilio_line import TwilioLineCodec

PUBLIC_URL = "https://voice.example.com"
SECRET, OTHERS_SECRET = "0123456789abcdef-our-secret", "fedcba9876543210-of-a-stranger"
CALLER, OURS = "+12025550142", "+12025550199"
FORM = "application/x-www-form-urlencoded"
CARRIERS = ("sim", "twilio", "telnyx", "plivo")

Headers: TypeAlias = Mapping[str, str]
Fields: TypeAlias = Sequence[tuple[str, str]]


class Office(Protocol):
    """A carrier, from its own side."""

    @property
    def carrier(self) -> Carrier: ...

    @property
    def secrets(self) -> Sequence[str]:
        """That no log may hold."""

    @property
    def content_type(self) -> str: ...

    @property
    def signs_urls(self) -> bool: ...

    @property
    def signs_streams(self) -> bool: ...

    @property
    def status_kind(self) -> str:
        """The webhook that tells what became of a call."""

    def ringing(self, call_id: str, number: str = CALLER) -> bytes:
        """The body of the webhook for a call that comes in."""

    def status(self, call_id: str) -> bytes:
        """The body of a webhook for a call that is over."""

    def signed(self, url: str, body: bytes, at: float, *, by_us: bool = True) -> Headers:
        """The headers of a webhook; with `by_us` False those of another account."""

    def upgrade(self, url: str, *, by_us: bool = True) -> Headers:
        """The headers that open a stream."""

    def start(self, call_id: str, parameters: Mapping[str, str]) -> bytes:
        """The message by which a stream says whose it is."""


def _fields(body: bytes) -> Fields:
    return parse_qsl(body.decode(), keep_blank_values=True)


class SimOffice:
    content_type, signs_urls, signs_streams, status_kind = FORM, True, True, "status"

    def __init__(self, home: Path, clock: ManualClock) -> None:
        self.carrier = SimCarrier.at_home(home)
        self._secret = sim_secret(home)
        self.secrets = [self._secret.decode()]

    def ringing(self, call_id: str, number: str = CALLER) -> bytes:
        return urlencode({"CallSid": call_id, "From": number, "To": OURS, "CallStatus": "ringing"}).encode()

    def status(self, call_id: str) -> bytes:
        return urlencode({"CallSid": call_id, "CallStatus": "completed", "SequenceNumber": "3"}).encode()

    def signed(self, url: str, body: bytes, at: float, *, by_us: bool = True) -> Headers:
        return signature_headers(self._secret if by_us else OTHERS_SECRET.encode(), url, _fields(body))

    def upgrade(self, url: str, *, by_us: bool = True) -> Headers:
        return self.signed(url, b"", 0, by_us=by_us)

    def start(self, call_id: str, parameters: Mapping[str, str]) -> bytes:
        return TwilioLineCodec("MZ" + "0" * 32, call_id, parameters).start()


class TwilioOffice:
    """Signs by Twilio's own library."""

    content_type, signs_urls, signs_streams, status_kind = f"{FORM}; charset=UTF-8", True, True, "status"

    def __init__(self, home: Path, clock: ManualClock) -> None:
        self.account = "AC" + "a" * 32
        self.carrier = TwilioCarrier(Twilio(account_sid=self.account, auth_token=SECRET), clock=clock)
        self.secrets = [SECRET]

    def _form(self, **fields: str) -> bytes:
        return urlencode({"AccountSid": self.account, "ApiVersion": "2010-04-01"} | fields).encode()

    def ringing(self, call_id: str, number: str = CALLER) -> bytes:
        return self._form(CallSid=call_id, From=number, To=OURS, CallStatus="ringing", Direction="inbound")

    def status(self, call_id: str) -> bytes:
        return self._form(CallSid=call_id, CallStatus="completed", SequenceNumber="3", From=CALLER, To=OURS)

    def signed(self, url: str, body: bytes, at: float, *, by_us: bool = True) -> Headers:
        signer = RequestValidator(SECRET if by_us else OTHERS_SECRET)
        return {"x-twilio-signature": signer.compute_signature(url, dict(_fields(body)))}

    def upgrade(self, url: str, *, by_us: bool = True) -> Headers:
        return self.signed(url, b"", 0, by_us=by_us)

    def start(self, call_id: str, parameters: Mapping[str, str]) -> bytes:
        return TwilioLineCodec("MZ" + "0" * 32, call_id, parameters, self.account).start()


class TelnyxOffice:
    content_type, signs_urls, signs_streams, status_kind = "application/json", False, False, "voice"

    def __init__(self, home: Path, clock: ManualClock) -> None:
        self._us, self._stranger = TelnyxSigner(bytes(32)), TelnyxSigner(bytes([7] * 32))
        account = Telnyx(api_key=SECRET, connection_id="149", public_key=self._us.public_key)
        self.carrier = TelnyxCarrier(account, clock=clock)
        self.secrets = [SECRET]
        self._deliveries = itertools.count()

    def _event(self, event_type: str, call_id: str, **payload: str) -> bytes:
        return telnyx_event(
            event_type,
            delivery_id=f"delivery-{next(self._deliveries)}",
            call_control_id=call_id,
            connection_id="149",
            **payload,
        )

    def ringing(self, call_id: str, number: str = CALLER) -> bytes:
        return self._event("call.initiated", call_id, direction="incoming", state="parked", from_=number, to=OURS)

    def status(self, call_id: str) -> bytes:
        return self._event("call.hangup", call_id, hangup_cause="normal_clearing", hangup_source="caller")

    def signed(self, url: str, body: bytes, at: float, *, by_us: bool = True) -> Headers:
        return (self._us if by_us else self._stranger).headers(body, at)

    def upgrade(self, url: str, *, by_us: bool = True) -> Headers:
        return {}

    def start(self, call_id: str, parameters: Mapping[str, str]) -> bytes:
        state = b64encode(json.dumps(dict(parameters)).encode()).decode()
        sound = {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}
        start = {"call_control_id": call_id, "client_state": state, "media_format": sound, "user_id": "u"}
        message = {"event": "start", "sequence_number": "1", "stream_id": "s1", "start": start}
        return json.dumps(message).encode()


class PlivoOffice:
    """Signs by Plivo's own library."""

    content_type, signs_urls, signs_streams, status_kind = FORM, True, True, "status"

    def __init__(self, home: Path, clock: ManualClock) -> None:
        self.carrier = PlivoCarrier(Plivo(auth_id="MA" + "X" * 18, auth_token=SECRET), clock=clock)
        self.secrets = [SECRET]
        self._nonces = itertools.count(1)

    def ringing(self, call_id: str, number: str = CALLER) -> bytes:
        fields = {"CallUUID": call_id, "From": number.strip("+"), "To": OURS.strip("+"), "Direction": "inbound"}
        return urlencode(fields | {"CallStatus": "ringing", "Event": "StartApp"}).encode()

    def status(self, call_id: str) -> bytes:
        fields = {"CallUUID": call_id, "From": CALLER.strip("+"), "To": OURS.strip("+"), "Direction": "inbound"}
        return urlencode(fields | {"CallStatus": "completed", "Event": "Hangup"}).encode()

    def signed(self, url: str, body: bytes, at: float, *, by_us: bool = True) -> Headers:
        return self._headers(construct_post_url(url, dict(_fields(body))).decode(), by_us)

    def upgrade(self, url: str, *, by_us: bool = True) -> Headers:
        return self._headers(construct_get_url(url, {}).decode(), by_us)

    def _headers(self, text: str, by_us: bool) -> Headers:
        nonce = str(next(self._nonces))
        signature = get_signature_v3(SECRET if by_us else OTHERS_SECRET, text, nonce).decode()
        return {"x-plivo-signature-v3": signature, "x-plivo-signature-v3-nonce": nonce}

    def start(self, call_id: str, parameters: Mapping[str, str]) -> bytes:
        headers = extra_headers.written(parameters)
        return PlivoLineCodec("stream-1", call_id, headers).start()


OFFICES: Mapping[str, Callable[[Path, ManualClock], Office]] = {
    "sim": SimOffice,
    "twilio": TwilioOffice,
    "telnyx": TelnyxOffice,
    "plivo": PlivoOffice,
}


@dataclass
class Caller:
    """A call, as its stream sees it."""

    carrier_call_id: str
    stream_pass: StreamPass = field(default_factory=StreamPass)
    happened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stream_pass.good_for(self.carrier_call_id)

    @property
    def token(self) -> str:
        return self.stream_pass.parameters["token"]

    def connected(self, stream: MediaStream) -> Callable[[bytes], None]:
        self.happened.append("connected")
        return lambda audio: None

    def mark_played(self, name: str) -> None:
        self.happened.append("mark")

    def dtmf(self, digit: str) -> None:
        self.happened.append("dtmf")

    def broken_message(self, error: MediaError) -> None:
        self.happened.append("broken")

    def hung_up(self) -> None:
        self.happened.append("hung up")

    def lost(self, error: MediaError) -> None:
        self.happened.append("lost")


class Switchboard:
    """Implements `server.carrier_app.Telephony`: the streams are real, and all else is written down."""

    def __init__(self, carrier: Carrier, clock: ManualClock) -> None:
        self._carrier = carrier
        self._clock = clock
        self.calls: dict[str, Caller] = {}
        self.rung: list[InboundCall] = []
        self.events: list[CarrierEvent] = []
        self.over: set[str] = set()

    @property
    def untouched(self) -> bool:
        return not self.rung and not self.events and not any(call.happened for call in self.calls.values())

    async def ring(self, event: InboundCall) -> WebhookResponse:
        if event.carrier_call_id in self.over:
            raise Replayed("The call that this request announces is over.")
        self.rung.append(event)
        return WebhookResponse(b"<Response/>", "text/xml")

    def on_carrier_events(self, events: Sequence[CarrierEvent]) -> None:
        self.events += events

    def stream(self, call_id: str, socket: MediaSocket) -> MediaStream | None:
        call = self.calls.get(call_id)
        if call is None:
            return None

        def admit(started: StreamStarted) -> Caller | None:
            token = started.parameters.get("token", "")
            return call if call.stream_pass.redeem(token, started.carrier_call_id) else None

        return MediaStream(self._carrier.media_codec(), socket, admit, self._clock)


@dataclass(frozen=True)
class Noted:
    kind: str
    carrier: str
    path: str
    peer: str
    detail: str


class Book:
    """What would be stored."""

    def __init__(self) -> None:
        self.notes: list[Noted] = []

    def note(self, kind: str, *, carrier: str = "", path: str = "", peer: str = "", detail: str = "") -> None:
        self.notes.append(Noted(kind, carrier, path, peer, detail))

    @property
    def kinds(self) -> list[str]:
        return [note.kind for note in self.notes]


@dataclass(frozen=True)
class Edge:
    """A carrier listener that runs, with all that is around it."""

    office: Office
    board: Switchboard
    book: Book
    clock: ManualClock
    edge: CarrierEdge
    url: str
    """Where it listens."""

    @property
    def name(self) -> str:
        return self.office.carrier.name

    def path(self, kind: str = "voice") -> str:
        return f"/webhooks/{self.name}/{kind}"

    def signed(self, body: bytes, kind: str = "voice", *, at: float | None = None, url: str = PUBLIC_URL) -> Headers:
        """The headers of a webhook as the carrier sends it, now or at another Unix time, to us or to another URL."""
        when = self.clock.wall() if at is None else at
        return {"content-type": self.office.content_type, **self.office.signed(url + self.path(kind), body, when)}

    def stream_path(self, call_id: str) -> str:
        return f"/ws/{self.name}/stream/{call_id}"

    def upgrade(self, call_id: str, *, by_us: bool = True) -> Headers:
        return self.office.upgrade(PUBLIC_URL.replace("http", "ws", 1) + self.stream_path(call_id), by_us=by_us)


OpenEdge: TypeAlias = Callable[..., AbstractAsyncContextManager[Edge]]


@pytest.fixture
def open_edge(tmp_path: Path) -> OpenEdge:
    """Opens the carrier listener of a carrier; `trusted_proxies` as in `CarrierEdge`."""

    @asynccontextmanager
    async def opened(name: str = "sim", *, trusted_proxies: Sequence[str] = ()) -> AsyncIterator[Edge]:
        clock, book = ManualClock(), Book()
        office = OFFICES[name](tmp_path, clock)
        board = Switchboard(office.carrier, clock)
        edge = CarrierEdge(office.carrier, board, clock=clock, incidents=book, trusted_proxies=trusted_proxies)
        edge.reachable_at(PUBLIC_URL)
        listener = Listener("127.0.0.1", 0, setting="PATTER_CARRIER_PORT")
        await listener.start(edge.app(), ws=media_protocol(edge.accept, clock))
        try:
            yield Edge(office, board, book, clock, edge, listener.url)
        finally:
            await listener.stop()
            await edge.close()
            await office.carrier.close()

    return opened


@pytest.fixture(params=CARRIERS)
async def edge(request: pytest.FixtureRequest, open_edge: OpenEdge) -> AsyncIterator[Edge]:
    """The carrier listener of each carrier in turn."""
    async with open_edge(request.param) as opened:
        yield opened
