"""What Twilio's webhooks say, without I/O.

https://www.twilio.com/docs/voice/twiml#request-parameters and, by kind, .../api/call-resource#statuscallback,
.../answering-machine-detection, .../api/recording#recordingstatuscallback, .../twiml/conference, .../twiml/stream
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from twilio.request_validator import SIGNATURE_HEADER

from getpatter.carriers.base import (
    CarrierEvent,
    CarrierStatus,
    ColleagueReady,
    InboundCall,
    MachineDetection,
    RecordingReady,
    StatusChanged,
    StreamFailed,
    Webhook,
    WebhookRequest,
    WebhookResponse,
)
from getpatter.carriers.form import fields
from getpatter.carriers.our_name import renamed
from getpatter.carriers.twilio import causes
from getpatter.carriers.twilio.twiml import CALLER
from getpatter.errors import CarrierError

METHODS: Final[Mapping[str, Sequence[str]]] = {
    "voice": ("POST", "GET"),
    "status": ("POST",),
    "amd": ("POST",),
    "recording": ("POST",),
    "conference": ("POST",),
    "stream": ("POST",),
    "accept": ("POST",),
}

STATUSES: Final[Mapping[str, CarrierStatus]] = {
    "queued": "queued",
    "initiated": "queued",
    "ringing": "ringing",
    "in-progress": "in_progress",
    "completed": "completed",
    "busy": "busy",
    "no-answer": "no_answer",
    "failed": "failed",
    "canceled": "canceled",
}

OVER: Final = ("completed", "busy", "no_answer", "failed", "canceled")
_UNANSWERED: Final = ("busy", "no_answer", "failed", "canceled")
_SID: Final = {prefix: re.compile(f"{prefix}[0-9a-fA-F]{{32}}") for prefix in ("CA", "RE")}
_MAX_ADDRESS: Final = 256
_MAX_WORDS: Final = 200
_MAX_DIGITS: Final = 9

_Form = Mapping[str, str]


def parse(request: WebhookRequest) -> Webhook:
    """Raises `CarrierError` for a request that lacks a field or has one that cannot be.

    `voice` and `accept` want another answer than what is given here.
    """
    form = dict(fields(request))
    read = _READERS.get(request.kind)
    if read is None:
        raise CarrierError("This is none of Twilio's webhooks.")
    event = read(form)
    events = () if event is None else (*renamed(request.url, event.carrier_call_id), event)
    # Those that are answered by a document need it again when they come again; the others have been heard.
    delivery_id = "" if request.kind in ("voice", "accept") else _delivery_id(request)
    return Webhook(events, WebhookResponse(status=204), delivery_id)


def accepted(request: WebhookRequest) -> str:
    """The call of the colleague who has pressed a key; empty where none was pressed."""
    form = dict(fields(request))
    return _call(form) if form.get("Digits") else ""


def status(text: str) -> CarrierStatus:
    """Twilio's word for a call's status in ours.  Raises `CarrierError` for one that is not known."""
    if text not in STATUSES:
        raise CarrierError(f"Twilio's call status is none of {', '.join(STATUSES)}.")
    return STATUSES[text]


def _voice(form: _Form) -> CarrierEvent:
    # Who withholds their number may come without one.
    return InboundCall(_call(form), _address(form, "From") or "anonymous", _address(form, "To", required=True))


def _status(form: _Form) -> CarrierEvent:
    sequence = _count(form, "SequenceNumber")
    changed = status(_required(form, "CallStatus"))
    cause = causes.of(form) if changed in _UNANSWERED else ""
    return StatusChanged(_call(form), changed, sequence, cause)


def _amd(form: _Form) -> CarrierEvent:
    answered_by = _required(form, "AnsweredBy")[:_MAX_WORDS]
    # Only the verdicts of DetectMessageEnd that have an end in their name wait for the greeting's.
    return MachineDetection(
        _call(form), _classification(answered_by), answered_by.startswith("machine_end_"), answered_by
    )


def _recording(form: _Form) -> CarrierEvent | None:
    call = _call(form)
    if _required(form, "RecordingStatus") != "completed":
        return None
    duration = _count(form, "RecordingDuration")
    return RecordingReady(
        call,
        _sid(form, "RecordingSid", "RE"),
        _required(form, "RecordingUrl"),
        None if duration is None else float(duration),
    )


def _conference(form: _Form) -> CarrierEvent | None:
    call = _call(form)
    # Both legs report to the room's first webhook: the caller's entry is not the colleague's.
    ready = _required(form, "StatusCallbackEvent") == "participant-join" and form.get("ParticipantLabel") != CALLER
    return ColleagueReady(call) if ready else None


def _accept(form: _Form) -> None:
    """It asks for a document and tells nothing else."""
    _call(form)


def _stream(form: _Form) -> CarrierEvent | None:
    call = _call(form)
    if _required(form, "StreamEvent") != "stream-error":
        return None
    return StreamFailed(call, form.get("StreamError", "")[:_MAX_WORDS] or "Twilio did not say why")


_READERS: Final[Mapping[str, Callable[[_Form], CarrierEvent | None]]] = {
    "voice": _voice,
    "status": _status,
    "amd": _amd,
    "recording": _recording,
    "conference": _conference,
    "stream": _stream,
    "accept": _accept,
}


def _classification(answered_by: str) -> Literal["human", "machine", "fax", "unknown"]:
    match answered_by:
        case "human" | "fax":
            return answered_by
        case _:
            return "machine" if answered_by.startswith("machine_") else "unknown"


def _delivery_id(request: WebhookRequest) -> str:
    """Deliveries of one message have one signature, and no two messages do: each has its call, event and time."""
    signature = request.headers.get(SIGNATURE_HEADER.lower(), "")
    return hashlib.sha256(signature.encode(errors="replace")).hexdigest()[:32] if signature else ""


def _call(form: _Form) -> str:
    return _sid(form, "CallSid", "CA")


def _sid(form: _Form, name: str, prefix: str) -> str:
    sid = _required(form, name)
    if not _SID[prefix].fullmatch(sid):
        raise CarrierError(f"The webhook's {name} is no {prefix} and 32 hexadecimal digits.")
    return sid


def _required(form: _Form, name: str) -> str:
    if not form.get(name):
        raise CarrierError(f"The webhook has no {name}.")
    return form[name]


def _address(form: _Form, name: str, *, required: bool = False) -> str:
    address = _required(form, name) if required else form.get(name, "")
    if len(address) > _MAX_ADDRESS or not (address.isprintable()):
        raise CarrierError(f"The webhook's {name} is no telephone number and no SIP address.")
    return address


def _count(form: _Form, name: str) -> int | None:
    """None where Twilio does not say; it writes -1 for what it does not know."""
    text = form.get(name, "")
    if text in ("", "-1"):
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise CarrierError(f"The webhook's {name} is no number.")
    return int(text)
