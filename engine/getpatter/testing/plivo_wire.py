"""A simulated call in Plivo's words: form posts, signed by version 3.

https://www.plivo.com/docs/voice/concepts/callbacks
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import uuid4

from getpatter.carriers.plivo.signature import NONCE_HEADER, SIGNATURE_HEADERS, signature
from getpatter.errors import CarrierError
from getpatter.testing import plivo_document
from getpatter.testing.happenings import (
    OVER,
    GreetingEnded,
    Happening,
    Progressed,
    Recognised,
    RecordingSaved,
    RoomEvent,
    Status,
    StreamClosed,
    StreamOpened,
    StreamRefused,
)
from getpatter.testing.line_call import LineCall
from getpatter.testing.plivo_hangups import hangup_of
from getpatter.testing.plivo_line import PlivoLineCodec
from getpatter.testing.recordings import Recording
from getpatter.testing.verbs import NOBODY, ConnectStream, DialNumber, Hook, Verb
from getpatter.testing.webhooks import Callback, Webhooks
from getpatter.testing.wire import Legs

FORM = "application/x-www-form-urlencoded"
DOLLARS_A_MINUTE = {"inbound": 0.0055, "outbound": 0.0115}
"""Plivo's list prices for US numbers."""
_DIAL_STATUSES: Mapping[Status, str] = {"canceled": "cancel"}
"""Plivo's words for the end of a call, where they are its own."""

Fields = Sequence[tuple[str, str]]


def new_id() -> str:
    return str(uuid4())


def talked_s(call: LineCall) -> int:
    """Whole seconds, begun ones included."""
    return math.ceil(call.talked_s)


def billed_s(call: LineCall) -> int:
    """Every begun minute counts."""
    return -(-talked_s(call) // 60) * 60


def cost(call: LineCall) -> str:
    """What the call costs, in US dollars; nothing where nobody took it."""
    return f"{billed_s(call) / 60 * DOLLARS_A_MINUTE[call.legs.direction]:.5f}"


def told_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose calls they are, and how they are told of."""

    auth_id: str
    auth_token: str
    webhooks: Webhooks
    url: str = ""
    """Of its resources."""

    def callback(self, label: str, hook: Hook, fields: Fields) -> Callback:
        if hook.method == "GET":
            url = f"{hook.url}{'&' if '?' in hook.url else '?'}{urlencode(fields)}"
            return Callback(label, url, b"", FORM, "GET", sign=lambda: self.sign(url))
        body = urlencode(fields).encode()
        return Callback(label, hook.url, body, FORM, "POST", sign=lambda: self.sign(hook.url, fields))

    def sign(self, url: str, fields: Fields = ()) -> Mapping[str, str]:
        """Headers for a form post, or for a request without a body.  Of a main account, both signatures are one."""
        nonce = str(uuid4().int)[:20]
        made = signature(self.auth_token, url, fields, nonce)
        return dict.fromkeys(SIGNATURE_HEADERS, made) | {NONCE_HEADER: nonce}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Where one call is told of."""

    ring: Hook = NOBODY
    hangup: Hook = NOBODY
    detection: Hook = NOBODY


class PlivoWire:
    """Implements `Wire`."""

    parks = False

    def __init__(self, account: Account, legs: Legs, request_id: str = "", hooks: Hooks | None = None) -> None:
        """`request_id` names the request that a call was dialled by."""
        self.request_id = request_id
        self.hooks = hooks or Hooks()
        self.recording_hooks: dict[str, tuple[str, Hook]] = {}
        """For each recording the id of the request for it, and where its end is told."""
        self.machine = ""
        """Whether a machine took the call, `true` or `false`, once it is known."""
        self._account = account
        self._legs = legs
        self._is_followed = False
        self._is_detection_told = False

    def tell(self, call: LineCall, happened: Happening) -> Sequence[Callback]:
        match happened:
            case Progressed("ringing") if self._legs.direction == "outbound":
                return self._told("ringing", self.hooks.ring, self._fields("Ring", "ringing"))
            case Progressed(status) if status in OVER:
                return self._told(status, self.hooks.hangup, list(self._end(call)))
            case Recognised(verdict) if verdict != "unknown":
                return self._detected(is_machine=verdict != "human")
            case GreetingEnded():
                # It is told of a machine whose beep came first, of which nothing was told yet.
                return self._detected(is_machine=True)
            case StreamOpened(stream, stream_id):
                return self._stream(stream, stream_id, "StartStream")
            case StreamClosed(stream, stream_id):
                return self._stream(stream, stream_id, "StopStream")
            case StreamRefused(stream, stream_id, cause):
                return self._stream(stream, stream_id, "DroppedStream", ("Error", cause))
            case RoomEvent():
                return self._conference(happened)
            case RecordingSaved(recording):
                return self._recording(call, recording)
            case _:
                return []

    def codec(self, call: LineCall, stream: ConnectStream) -> PlivoLineCodec:
        headers = ",".join(f"{name}={value}" for name, value in stream.parameters.items())
        return PlivoLineCodec(
            new_id(), self._legs.call_id, headers, self._account.auth_id, began_ms=round(time.time() * 1000)
        )

    def upgrade_headers(self, url: str) -> Mapping[str, str]:
        return self._account.sign(url)

    def onward(self, call: LineCall, verb: DialNumber) -> tuple[Legs, PlivoWire]:
        caller_id = verb.caller_id or self._legs.from_number
        legs = Legs(new_id(), "outbound", caller_id, verb.number, self._legs.call_id)
        return legs, PlivoWire(self._account, legs)

    async def follow(self, call: LineCall, hook: Hook, fields: Fields = ()) -> Sequence[Verb]:
        event = "Redirect" if self._is_followed else "StartApp"
        self._is_followed = True
        machine = [("Machine", self.machine)] if self.machine else []
        pressed = [(name, value) for name, value in fields if name == "Digits"]
        # Other fields are those of a call that was connected onward, which Plivo says in words of its own.
        outcome = [*pressed, ("InputType", "dtmf")] if pressed else _outcome(call) if fields else []
        asked = [*self._fields(event, call.status), *machine, *outcome]
        response = await self._account.webhooks.post(self._account.callback("voice", hook, asked))
        if response.is_error:
            raise CarrierError(
                f"The engine answered its voice webhook with HTTP {response.status_code}.",
                carrier_code=f"webhook_{response.status_code}",
            )
        return plivo_document.read(response.content)

    def _told(self, label: str, hook: Hook, fields: Fields) -> list[Callback]:
        return [self._account.callback(label, hook, fields)] if hook.url else []

    def _fields(self, event: str, status: str) -> list[tuple[str, str]]:
        """What every callback of a call has.  While it rings it goes by its request's name alone."""
        legs = self._legs
        request = [("RequestUUID", self.request_id), ("ALegRequestUUID", self.request_id)] if self.request_id else []
        has_name = event != "Ring" or self.request_id == legs.call_id
        named = [("CallUUID", legs.call_id), ("ALegUUID", legs.parent_id or legs.call_id)] if has_name else []
        return [
            ("Event", event),
            ("From", legs.from_number.removeprefix("+")),
            ("To", legs.to_number.removeprefix("+")),
            ("Direction", legs.direction),
            ("CallStatus", status),
            *named,
            *request,
        ]

    def _end(self, call: LineCall) -> Iterable[tuple[str, str]]:
        hangup = hangup_of(call)
        yield from self._fields("Hangup", hangup.status)
        yield "HangupCause", hangup.cause
        yield "HangupCauseCode", str(hangup.code)
        yield "HangupCauseName", hangup.name
        yield "HangupSource", hangup.source
        yield "Duration", str(talked_s(call))
        yield "BillDuration", str(billed_s(call))
        yield "BillRate", f"{DOLLARS_A_MINUTE[self._legs.direction]:.5f}"
        yield "TotalCost", cost(call)
        yield "StartTime", told_time(call.began_at)
        yield "AnswerTime", told_time(call.answered_at)
        yield "EndTime", told_time(call.ended_at)

    def _detected(self, *, is_machine: bool) -> list[Callback]:
        self.machine = str(is_machine).lower()
        if self._is_detection_told:
            return []
        self._is_detection_told = True
        fields = [*self._fields("MachineDetection", "in-progress"), ("Machine", self.machine)]
        return self._told("amd", self.hooks.detection, [*fields, ("IfMachine", "continue")])

    def _stream(self, stream: ConnectStream, stream_id: str, event: str, *more: tuple[str, str]) -> list[Callback]:
        fields = [*self._fields(event, "in-progress"), ("StreamID", stream_id), ("ServiceURL", stream.url), *more]
        return self._told(event, stream.status, fields)

    def _recording(self, call: LineCall, recording: Recording) -> list[Callback]:
        request_id, hook = self.recording_hooks.get(recording.id, ("", NOBODY))
        ended_at = call.ended_at or time.time()
        fields = [
            ("api_id", request_id),
            ("call_uuid", self._legs.call_id),
            ("recording_id", recording.id),
            ("record_url", recording_url(self._account.url, recording.id)),
            ("recording_duration", str(round(recording.duration_s))),
            ("recording_duration_ms", f"{recording.duration_s * 1000:.5f}"),
            ("recording_start_ms", f"{(ended_at - recording.duration_s) * 1000:.5f}"),
            ("recording_end_ms", f"{ended_at * 1000:.5f}"),
        ]
        return self._told("recording", hook, fields)

    def _conference(self, happened: RoomEvent) -> list[Callback]:
        """Each member's own callback URL is told of that member."""
        if happened.kind not in ("join", "leave"):
            return []
        entered = happened.kind == "join"
        event = "ConferenceEnter" if entered else "ConferenceExit"
        fields = [
            *self._fields(event, "in-progress"),
            ("ConferenceAction", "enter" if entered else "exit"),
            ("ConferenceName", happened.own.name),
            ("ConferenceUUID", happened.room_id),
            ("ConferenceMemberID", str(happened.number)),
            ("ConferenceFirstMember", str(entered and happened.own is happened.terms).lower()),
        ]
        return self._told(event, happened.own.status, fields)


def recording_url(account_url: str, recording_id: str) -> str:
    return f"{account_url}/Recording/{recording_id}.wav"


def _outcome(call: LineCall) -> Iterable[tuple[str, str]]:
    """Of the call to whom this one was to be connected."""
    other = call.onward_call
    if other is None:
        return
    yield "DialStatus", _DIAL_STATUSES.get(other.status, other.status)
    yield "DialRingStatus", str("ringing" in other.statuses).lower()
    yield "DialHangupCause", hangup_of(other).cause
    yield "DialALegUUID", call.legs.call_id
    yield "DialBLegUUID", other.legs.call_id
