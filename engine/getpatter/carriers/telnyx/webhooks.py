"""What Telnyx's webhooks say: https://developers.telnyx.com/docs/voice/programmable-voice/voice-api-webhooks"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from getpatter.carriers.base import (
    CallRenamed,
    CarrierEvent,
    CarrierStatus,
    ColleagueReady,
    InboundCall,
    MachineDetection,
    Price,
    RecordingReady,
    StatusChanged,
    StreamFailed,
)
from getpatter.carriers.telnyx import client_state, legs
from getpatter.errors import CarrierError

MAX_CAUSE_CHARACTERS: Final = 100


@dataclass(frozen=True, slots=True)
class HangUp:
    """To be done: end this call."""

    carrier_call_id: str


@dataclass(frozen=True, slots=True)
class Invite:
    """To be done: ask whoever has answered a colleague's telephone to press a key."""

    carrier_call_id: str
    key: str


@dataclass(frozen=True, slots=True)
class Brief:
    """To be done: tell the colleague who has pressed one what `key` stands for."""

    carrier_call_id: str
    key: str


@dataclass(frozen=True, slots=True)
class Forget:
    """To be done: let go of what `key` stands for; the colleague's call is over."""

    key: str


@dataclass(frozen=True, slots=True)
class Priced:
    """To be remembered: what a call has cost."""

    carrier_call_id: str
    price: Price


Chore = HangUp | Invite | Brief | Forget | Priced


@dataclass(frozen=True, slots=True)
class Received:
    """What a webhook says, and what the carrier has to do about it itself."""

    delivery_id: str
    events: tuple[CarrierEvent, ...] = ()
    chore: Chore | None = None


class _CostPart(msgspec.Struct, frozen=True):
    currency: str | None = None


class _Stated(msgspec.Struct, frozen=True, kw_only=True):
    client_state: str | None = None

    @property
    def state(self) -> dict[str, str]:
        return client_state.decode(self.client_state)


class _Payload(_Stated, frozen=True):
    """What all events of calls have."""

    call_control_id: str


class _Initiated(_Payload, frozen=True, kw_only=True, rename={"caller": "from", "call_state": "state"}):
    direction: str
    caller: str | None = None
    to: str | None = None
    call_state: str | None = None


class _HungUp(_Payload, frozen=True):
    hangup_cause: str | None = None
    sip_hangup_cause: str | int | None = None


class _Result(_Payload, frozen=True, kw_only=True):
    result: str


class _SpeakEnded(_Payload, frozen=True):
    status: str | None = None


class _GatherEnded(_Payload, frozen=True):
    status: str | None = None


class _Streaming(_Payload, frozen=True):
    failure_reason: str | None = None


class _Cost(_Payload, frozen=True):
    total_cost: str | None = None
    cost_parts: list[_CostPart] | None = None


class _RecordingSaved(_Stated, frozen=True):
    """Not a `_Payload`: its description has no `call_control_id`."""

    recording_urls: dict[str, str | None]
    call_control_id: str | None = None
    recording_id: str | None = None
    recording_started_at: str | None = None
    recording_ended_at: str | None = None


class _Data(msgspec.Struct, frozen=True):
    event_type: str
    payload: msgspec.Raw = msgspec.Raw(b"null")
    id: str = ""
    occurred_at: str | None = None


class _Envelope(msgspec.Struct, frozen=True):
    data: _Data


def parse(body: bytes) -> Received:
    """Raises `CarrierError` for what is no Telnyx webhook; events unknown to us say nothing."""
    data = _read(_decode_envelope, body).data
    reader = _READERS.get(data.event_type)
    if reader is None:
        return Received(data.id)
    events, chore = reader(data)
    return Received(data.id, events, chore)


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_Said = tuple[tuple[CarrierEvent, ...], Chore | None]
_NOTHING: Final[_Said] = ((), None)
_Content = TypeVar("_Content")
_Kind = TypeVar("_Kind", bound=_Payload | _RecordingSaved)


def _read(decode: Callable[[bytes | msgspec.Raw], _Content], text: bytes | msgspec.Raw) -> _Content:
    try:
        return decode(text)
    except msgspec.ValidationError as wrong:
        raise CarrierError(f"The webhook is not one of Telnyx's: {wrong}.") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise CarrierError("The webhook is not JSON.") from None


class _Reader(Generic[_Kind]):
    """Reads one kind of payload and says what it means."""

    def __init__(self, kind: type[_Kind], meaning: Callable[[_Kind, _Data], _Said]) -> None:
        self._decode = msgspec.json.Decoder(kind).decode
        self._meaning = meaning

    def __call__(self, data: _Data) -> _Said:
        call = _read(self._decode, data.payload)
        events, chore = self._meaning(call, data)
        return (*_named(call), *events), chore


def _named(call: _Payload | _RecordingSaved) -> tuple[CarrierEvent, ...]:
    """What Telnyx calls a call that we placed: its answer to us may have been lost."""
    name = legs.name(call.state)
    return (CallRenamed(name, call.call_control_id),) if name and call.call_control_id else ()


def _initiated(call: _Initiated, data: _Data) -> _Said:
    if call.direction == "incoming":
        if call.call_state == "bridging":  # somebody else has connected it
            return _NOTHING
        return (InboundCall(call.call_control_id, call.caller or "", call.to or ""),), None
    if call.direction != "outgoing":
        raise CarrierError("The webhook's call is neither incoming nor outgoing.")
    return _status(call, "ringing", data)


def _answered(call: _Payload, data: _Data) -> _Said:
    events, _ = _status(call, "in_progress", data)
    if legs.role(call.state) == legs.COLLEAGUE:
        return events, Invite(call.call_control_id, call.state.get("key", ""))
    return events, None


_ENDS: Final[dict[str, CarrierStatus]] = {
    "normal_clearing": "completed",
    "time_limit": "completed",
    "user_busy": "busy",
    "busy": "busy",
    "timeout": "no_answer",
    "no_answer": "no_answer",
    "originator_cancel": "canceled",
}
"""By `hangup_cause`; all others (`call_rejected`, `not_found`, ...) are failures."""


def _hung_up(call: _HungUp, data: _Data) -> _Said:
    cause = call.hangup_cause or "unspecified"
    if legs.role(call.state) == legs.TRANSFERRED:
        # The caller who was put through to this call, or was to be, would be left on the line with nobody.
        caller = call.state.get("call", "")
        return (), HangUp(caller) if caller else None
    sip = str(call.sip_hangup_cause or "unspecified")
    told = cause if sip in ("unspecified", "200") else f"{cause}, SIP {sip}"
    events, _ = _status(call, _ENDS.get(cause, "failed"), data, told[:MAX_CAUSE_CHARACTERS])
    is_colleague = legs.role(call.state) in (legs.COLLEAGUE, legs.BRIEFED)
    return events, Forget(call.state.get("key", "")) if is_colleague else None


def _status(call: _Payload, status: CarrierStatus, data: _Data, cause: str = "") -> _Said:
    """Telnyx has no numbers for a call's events, but says to the microsecond when they were."""
    if legs.role(call.state) == legs.TRANSFERRED:
        return _NOTHING
    at = _time(data.occurred_at)
    sequence = None if at is None else round(at * 1_000_000)
    return (StatusChanged(call.call_control_id, status, sequence, cause),), None


_Verdict = tuple[Literal["human", "machine", "fax", "unknown"], bool]
_UNKNOWN: Final[_Verdict] = ("unknown", False)

_DETECTED: Final[dict[str, _Verdict]] = {
    "human": ("human", False),
    "human_residence": ("human", False),
    "human_business": ("human", False),
    "machine": ("machine", False),
    "fax_detected": ("fax", False),
}
"""By `result`, standard and premium; `silence` and `not_sure` are unknown."""
_GREETED: Final[dict[str, _Verdict]] = {
    "beep_detected": ("machine", True),
    "no_beep_detected": ("machine", True),
    "ended": ("machine", True),
    "not_sure": ("machine", False),
}
"""`not_sure`: the time for analysis is over and the greeting perhaps not.  A beep before the detection has ended comes
alone, so this says `machine`, too."""


def _detected(call: _Result, data: _Data) -> _Said:
    return _detection(call, _DETECTED.get(call.result, _UNKNOWN))


def _greeted(call: _Result, data: _Data) -> _Said:
    return _detection(call, _GREETED.get(call.result, _UNKNOWN))


def _detection(call: _Result, verdict: _Verdict) -> _Said:
    classification, greeting_ended = verdict
    raw = call.result[:MAX_CAUSE_CHARACTERS]
    return (MachineDetection(call.call_control_id, classification, greeting_ended, raw),), None


def _speak_ended(call: _SpeakEnded, data: _Data) -> _Said:
    if call.status == "call_hangup":
        return _NOTHING
    match legs.role(call.state):
        case legs.BRIEFED:
            return (ColleagueReady(call.call_control_id),), None
        case legs.MESSAGE:
            return (), HangUp(call.call_control_id)
        case _:
            return _NOTHING


def _gather_ended(call: _GatherEnded, data: _Data) -> _Said:
    """Only a key that was pressed is `valid`; whoever pressed none is a machine, or does not want the call."""
    if legs.role(call.state) != legs.COLLEAGUE or call.status == "call_hangup":
        return _NOTHING
    if call.status == "valid":
        return (), Brief(call.call_control_id, call.state.get("key", ""))
    return (), HangUp(call.call_control_id)


def _stream_failed(call: _Streaming, data: _Data) -> _Said:
    cause = (call.failure_reason or "unspecified")[:MAX_CAUSE_CHARACTERS]
    return (StreamFailed(call.call_control_id, cause),), None


def _recording_saved(recording: _RecordingSaved, data: _Data) -> _Said:
    call = recording.call_control_id or recording.state.get("call", "")
    url = recording.recording_urls.get("wav") or recording.recording_urls.get("mp3")
    if not call or not url:
        return _NOTHING
    began, ended = _time(recording.recording_started_at), _time(recording.recording_ended_at)
    duration_s = None if began is None or ended is None else max(0.0, round(ended - began, 3))
    return (RecordingReady(call, recording.recording_id or data.id, url, duration_s),), None


def _cost(call: _Cost, data: _Data) -> _Said:
    currencies = {part.currency for part in call.cost_parts or () if part.currency}
    with suppress(InvalidOperation, ValueError):
        amount = Decimal(call.total_cost or "")
        if len(currencies) == 1 and amount.is_finite() and amount >= 0:
            return (), Priced(call.call_control_id, Price(amount, currencies.pop().upper()))
    return _NOTHING


def _time(text: str | None) -> float | None:
    """Seconds since the Unix epoch of an ISO 8601 time."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except (ValueError, OverflowError, OSError):
        return None


_READERS: Final[dict[str, _Reader[Any]]] = {
    "call.initiated": _Reader(_Initiated, _initiated),
    "call.answered": _Reader(_Payload, _answered),
    "call.hangup": _Reader(_HungUp, _hung_up),
    "call.machine.detection.ended": _Reader(_Result, _detected),
    "call.machine.premium.detection.ended": _Reader(_Result, _detected),
    "call.machine.greeting.ended": _Reader(_Result, _greeted),
    "call.machine.premium.greeting.ended": _Reader(_Result, _greeted),
    "call.speak.ended": _Reader(_SpeakEnded, _speak_ended),
    "call.gather.ended": _Reader(_GatherEnded, _gather_ended),
    "streaming.failed": _Reader(_Streaming, _stream_failed),
    "call.recording.saved": _Reader(_RecordingSaved, _recording_saved),
    "call.cost": _Reader(_Cost, _cost),
}
"""Keys come over the stream, which has them sooner; `call.dtmf.received` would count them twice."""
