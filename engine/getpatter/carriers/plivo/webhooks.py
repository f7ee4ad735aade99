"""What Plivo's webhooks say: https://www.plivo.com/docs/voice/concepts/callbacks"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from getpatter.carriers import form
from getpatter.carriers.base import (
    CallRenamed,
    CarrierEvent,
    ColleagueReady,
    InboundCall,
    MachineDetection,
    RecordingReady,
    StatusChanged,
    StreamFailed,
    WebhookRequest,
)
from getpatter.carriers.our_name import renamed
from getpatter.carriers.plivo import statuses
from getpatter.errors import CarrierError

MAX_TEXT: Final = 256

Fields = Mapping[str, str]

_ID: Final = re.compile("[A-Za-z0-9_-]{1,64}")
_DIGITS: Final = re.compile("[0-9]{5,15}")
_STREAM_LOST: Final = frozenset({"DroppedStream", "failed"})
"""Plivo's pages have two sets of names for what befalls a stream."""


def events_of(kind: str, request: WebhookRequest) -> list[CarrierEvent]:
    """What a webhook of this kind says.  Raises `CarrierError` for a malformed one."""
    events = _READERS[kind](dict(form.fields(request)))
    return [*renamed(request.url, events[-1].carrier_call_id), *events] if events else events


def is_key_pressed(request: WebhookRequest) -> bool:
    """Whether whoever was asked for a key gave one."""
    return bool(dict(form.posted(request)).get("Digits"))


def _voice(fields: Fields) -> list[CarrierEvent]:
    caller = _number(fields.get("From", ""))
    return [InboundCall(_id(fields, "CallUUID"), caller, _number(_required(fields, "To")))]


def _status(fields: Fields) -> list[CarrierEvent]:
    call_id, renamed = _call(fields)
    cause = fields.get("HangupCauseName") or fields.get("HangupCause", "")
    code = fields.get("HangupCauseCode", "")
    status = statuses.of_webhook(_required(fields, "CallStatus"), code)
    return [*renamed, StatusChanged(call_id, status, cause=cause[:MAX_TEXT])]


def _machine_detection(fields: Fields) -> list[CarrierEvent]:
    """Plivo reports machines, and people only in some of its versions.  It does not hear a greeting's end."""
    call_id, renamed = _call(fields)
    said = _required(fields, "Machine")
    match said.lower():
        case "true":
            return [*renamed, MachineDetection(call_id, "machine", False, said[:MAX_TEXT])]
        case "false":
            return [*renamed, MachineDetection(call_id, "human", False, said[:MAX_TEXT])]
        case _:
            return [*renamed, MachineDetection(call_id, "unknown", False, said[:MAX_TEXT])]


def _recording(fields: Fields) -> list[CarrierEvent]:
    """Of a recording that was asked for by the API: its fields are the form's, or JSON in one of them."""
    told: Mapping[str, Any] = _object(fields["response"]) if "response" in fields else fields
    plain = {name: value for name, value in told.items() if isinstance(value, str)}
    milliseconds = _positive(told.get("recording_duration_ms"))
    seconds = milliseconds / 1000 if milliseconds is not None else _positive(told.get("recording_duration"))
    url, recording_id = _required(plain, "record_url"), _id(plain, "recording_id")
    return [RecordingReady(_id(plain, "call_uuid"), recording_id, url, seconds)]


def _stream(fields: Fields) -> list[CarrierEvent]:
    said = _required(fields, "Event")
    if said not in _STREAM_LOST:
        return []
    cause = fields.get("Error") or fields.get("StatusReason") or said
    call_id, renamed = _call(fields)
    return [*renamed, StreamFailed(call_id, cause[:MAX_TEXT])]


def _conference(fields: Fields) -> list[CarrierEvent]:
    if fields.get("ConferenceAction") != "enter":
        return []
    call_id, renamed = _call(fields)
    return [*renamed, ColleagueReady(call_id)]


def _fetched(fields: Fields) -> list[CarrierEvent]:
    """A document was fetched: the call was answered, or goes on after a redirection."""
    call_id, renamed = _call(fields)
    return [*renamed, StatusChanged(call_id, "in_progress")]


_READERS: Final[Mapping[str, Callable[[Fields], list[CarrierEvent]]]] = {
    "voice": _voice,
    "status": _status,
    "ring": _status,
    "amd": _machine_detection,
    "recording": _recording,
    "stream": _stream,
    "conference": _conference,
    "document/{key}": _fetched,
    "accept/{key}": _fetched,
}
KINDS: Final = tuple(_READERS)


def _call(fields: Fields) -> tuple[str, list[CarrierEvent]]:
    """The call's id, and that it has got a new one where it was dialled under another: the request's."""
    if not fields.get("CallUUID"):
        return _id(fields, "RequestUUID"), []
    call_id = _id(fields, "CallUUID")
    if fields.get("RequestUUID", call_id) == call_id:
        return call_id, []
    return call_id, [CallRenamed(_id(fields, "RequestUUID"), call_id)]


def _id(fields: Fields, name: str) -> str:
    """Names of calls become parts of paths."""
    found = _required(fields, name)
    if not _ID.fullmatch(found):
        raise CarrierError(f"The webhook's {name} is not a name that Plivo gives.")
    return found


def _required(fields: Fields, name: str) -> str:
    if not fields.get(name):
        raise CarrierError(f"The webhook has no {name}.")
    return fields[name]


def _number(text: str) -> str:
    """In E.164: Plivo leaves the plus sign out.  What is no number, as of a caller who hides theirs, stays as it is."""
    return f"+{text}" if _DIGITS.fullmatch(text) else text[:MAX_TEXT]


def _object(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise CarrierError("The webhook's response is no JSON object.") from None


def _positive(value: object) -> float | None:
    """A number of seconds or ms; None for what is none, or -1, which stands for an unknown one."""
    try:
        number = float(value) if isinstance(value, str | int | float) else -1.0
    except ValueError:
        return None
    return number if 0 <= number < 1e12 else None
