"""A simulated call in Twilio's words: signed form posts.

https://www.twilio.com/docs/voice/twiml and .../voice/api/call-resource#statuscallback
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Protocol
from urllib.parse import urlencode
from uuid import uuid4

from getpatter.errors import CarrierError
from getpatter.testing import answer_document
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
    Verdict,
)
from getpatter.testing.line_call import LineCall
from getpatter.testing.recordings import Recording
from getpatter.testing.twilio_line import TwilioLineCodec
from getpatter.testing.verbs import NOBODY, ConnectStream, DialNumber, Hook, Verb
from getpatter.testing.webhooks import Callback, Webhooks
from getpatter.testing.wire import Legs

FORM = "application/x-www-form-urlencoded"
SIM_ACCOUNT = "AC" + "0" * 32
SIP_CODES: Mapping[Status, str] = {"busy": "486", "no-answer": "487", "canceled": "487", "failed": "404"}
"""RFC 3261 section 21; 487 is a caller who gave up."""
EVERYTHING = frozenset({"initiated", "ringing", "answered", "completed"})

Fields = Sequence[tuple[str, str]]


def new_call_id() -> str:
    return f"CA{uuid4().hex}"


class Signer(Protocol):
    """Proves who sends a request."""

    def __call__(self, url: str, fields: Fields = ()) -> Mapping[str, str]:
        """Headers for a form post, or for a request without a body."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose calls they are, and how they are told of."""

    sid: str
    sign: Signer
    webhooks: Webhooks
    url: str = ""
    """Of its resources."""

    def callback(self, label: str, hook: Hook, fields: Fields) -> Callback:
        if hook.method == "GET":
            url = f"{hook.url}{'&' if '?' in hook.url else '?'}{urlencode(fields)}"
            return Callback(label, url, b"", FORM, "GET", sign=lambda: self.sign(url))
        body = urlencode(fields).encode()
        return Callback(label, hook.url, body, FORM, "POST", sign=lambda: self.sign(hook.url, fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Where one call is told of."""

    status: Hook = NOBODY
    events: frozenset[str] = frozenset({"completed"})
    detection: Hook = NOBODY
    message_end: bool = True
    """Of a machine, the end of its greeting is told, and otherwise that it is one."""


class TwilioWire:
    """Implements `Wire`."""

    parks = False

    def __init__(self, account: Account, legs: Legs, hooks: Hooks | None = None) -> None:
        self._account = account
        self._legs = legs
        self.hooks = hooks or Hooks()
        self.recording_hooks: dict[str, Hook] = {}
        """Where the end of each recording is told."""
        self.answered_by = ""
        """Twilio's word for who took the call, once it is known."""
        self._sequence = 0

    def fields(self, status: str) -> list[tuple[str, str]]:
        """The form fields that every callback of a call has."""
        return call_fields(self._account.sid, self._legs, status)

    def tell(self, call: LineCall, happened: Happening) -> Sequence[Callback]:
        match happened:
            case Progressed(status):
                return self._status(call, status)
            case Recognised(verdict):
                waits_for_end = verdict == "machine" and self.hooks.message_end
                return [] if waits_for_end else self._detection(call, _ANSWERED_BY[verdict])
            case GreetingEnded(beep):
                ended = "machine_end_beep" if beep else "machine_end_silence"
                return self._detection(call, ended) if self.hooks.message_end else []
            case StreamOpened(stream, stream_id):
                return self._stream(stream, stream_id, "stream-started")
            case StreamClosed(stream, stream_id):
                return self._stream(stream, stream_id, "stream-stopped")
            case StreamRefused(stream, stream_id, cause):
                return self._stream(stream, stream_id, "stream-error", ("StreamError", cause))
            case RoomEvent():
                return self._conference(happened)
            case RecordingSaved(recording):
                return self._recording(recording)
            case _:
                return []

    def codec(self, call: LineCall, stream: ConnectStream) -> TwilioLineCodec:
        return TwilioLineCodec(f"MZ{uuid4().hex}", self._legs.call_id, stream.parameters, self._account.sid)

    def upgrade_headers(self, url: str) -> Mapping[str, str]:
        return self._account.sign(url)

    def onward(self, call: LineCall, verb: DialNumber) -> tuple[Legs, TwilioWire]:
        caller_id = verb.caller_id or self._legs.from_number
        legs = Legs(new_call_id(), "outbound", caller_id, verb.number, self._legs.call_id)
        return legs, TwilioWire(self._account, legs)

    async def follow(self, call: LineCall, hook: Hook, fields: Fields = ()) -> Sequence[Verb]:
        answered_by = [("AnsweredBy", self.answered_by)] if self.answered_by else []
        asked = [*self.fields(call.status), *answered_by, *fields]
        response = await self._account.webhooks.post(self._account.callback("voice", hook, asked))
        if response.is_error:
            raise CarrierError(
                f"The engine answered its voice webhook with HTTP {response.status_code}.",
                carrier_code=f"webhook_{response.status_code}",
            )
        return answer_document.read(response.content)

    def _status(self, call: LineCall, status: Status) -> list[Callback]:
        event = "completed" if status in OVER else "answered" if status == "in-progress" else status
        if not self.hooks.status.url or event not in self.hooks.events:
            return []
        sequence = [("SequenceNumber", str(self._sequence)), ("CallbackSource", "call-progress-events")]
        self._sequence += 1
        fields = [*self.fields(status), *sequence, ("Timestamp", formatdate(usegmt=True)), *self._more(call, status)]
        return [self._account.callback(status, self.hooks.status, fields)]

    def _more(self, call: LineCall, status: Status) -> Iterable[tuple[str, str]]:
        if status in SIP_CODES:
            yield "SipResponseCode", SIP_CODES[status]
        if status in OVER:
            yield "CallDuration", str(round(call.talked_s))
            yield "Duration", str(-(-round(call.talked_s) // 60))

    def _detection(self, call: LineCall, answered_by: str) -> list[Callback]:
        self.answered_by = answered_by
        if not self.hooks.detection.url:
            return []
        fields = [
            ("CallSid", self._legs.call_id),
            ("AccountSid", self._account.sid),
            ("AnsweredBy", answered_by),
            ("MachineDetectionDuration", str(round(call.talked_s * 1000))),
        ]
        return [self._account.callback("amd", self.hooks.detection, fields)]

    def _stream(self, stream: ConnectStream, stream_id: str, event: str, *more: tuple[str, str]) -> list[Callback]:
        if not stream.status.url:
            return []
        name = stream.name or stream_id
        fields = [
            ("AccountSid", self._account.sid),
            ("CallSid", self._legs.call_id),
            ("StreamSid", stream_id),
            ("StreamName", name),
            ("StreamEvent", event),
            ("Timestamp", formatdate(usegmt=True)),
            *more,
        ]
        return [self._account.callback(event, stream.status, fields)]

    def _recording(self, recording: Recording) -> list[Callback]:
        hook = self.recording_hooks.get(recording.id, NOBODY)
        if not hook.url:
            return []
        fields = [
            ("AccountSid", self._account.sid),
            ("CallSid", self._legs.call_id),
            ("RecordingSid", f"RE{recording.id}"),
            ("RecordingUrl", f"{self._account.url}/Recordings/RE{recording.id}"),
            ("RecordingStatus", "completed"),
            ("RecordingDuration", str(round(recording.duration_s))),
            ("RecordingChannels", str(recording.channels)),
            ("RecordingStartTime", formatdate(usegmt=True)),
            ("RecordingSource", "StartCallRecordingAPI"),
            ("RecordingTrack", "both"),
        ]
        return [self._account.callback("recording-completed", hook, fields)]

    def _conference(self, happened: RoomEvent) -> list[Callback]:
        terms = happened.terms
        if not terms.status.url or happened.kind not in terms.events:
            return []
        event = _CONFERENCE_EVENTS[happened.kind]
        participant = [
            ("CallSid", self._legs.call_id),
            ("Muted", "false"),
            ("Hold", "false"),
            ("Coaching", "false"),
            ("EndConferenceOnExit", str(terms.closes).lower()),
            ("StartConferenceOnEnter", str(terms.opens).lower()),
        ]
        fields = [
            ("ConferenceSid", f"CF{happened.room_id}"),
            ("FriendlyName", terms.name),
            ("AccountSid", self._account.sid),
            ("SequenceNumber", str(happened.number)),
            ("Timestamp", formatdate(usegmt=True)),
            ("StatusCallbackEvent", event),
            *(participant if happened.kind in ("join", "leave") else ()),
        ]
        return [self._account.callback(event, terms.status, fields)]


_ANSWERED_BY: Mapping[Verdict, str] = {
    "human": "human",
    "machine": "machine_start",
    "fax": "fax",
    "unknown": "unknown",
}
_CONFERENCE_EVENTS = {
    "start": "conference-start",
    "join": "participant-join",
    "leave": "participant-leave",
    "end": "conference-end",
}


def call_fields(account_sid: str, legs: Legs, status: str) -> list[tuple[str, str]]:
    """The form fields that every callback of a call has, and its voice webhook."""
    outbound = "outbound-dial" if legs.parent_id else "outbound-api"
    fields = [
        ("CallSid", legs.call_id),
        ("AccountSid", account_sid),
        ("From", legs.from_number),
        ("To", legs.to_number),
        ("CallStatus", status),
        ("ApiVersion", "2010-04-01"),
        ("Direction", "inbound" if legs.direction == "inbound" else outbound),
    ]
    return [*fields, ("ParentCallSid", legs.parent_id)] if legs.parent_id else fields
