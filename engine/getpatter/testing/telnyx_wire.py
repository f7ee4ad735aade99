"""A simulated call in Telnyx's words: signed JSON events.

https://developers.telnyx.com/docs/voice/programmable-voice/voice-api-webhooks
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from getpatter.errors import CarrierError
from getpatter.testing.happenings import (
    OVER,
    Announced,
    Connected,
    Gathered,
    GreetingEnded,
    Happening,
    KeyPressed,
    Progressed,
    Recognised,
    RecordingSaved,
    Status,
    StreamClosed,
    StreamOpened,
    StreamRefused,
)
from getpatter.testing.line_call import LineCall
from getpatter.testing.recordings import Recording
from getpatter.testing.telnyx_line import StreamOf, TelnyxLineCodec
from getpatter.testing.telnyx_webhooks import TelnyxSigner, telnyx_event
from getpatter.testing.verbs import ConnectStream, DialNumber, Hook, Verb
from getpatter.testing.webhooks import Callback
from getpatter.testing.wire import Legs

ATTEMPTS = 3
"""How often an event is sent at most that nobody takes."""
DOLLARS_A_MINUTE = 0.007


def new_call_id() -> str:
    return f"v3:{uuid4().hex}-{uuid4().hex}"


@dataclass(slots=True, kw_only=True)
class Application:
    """A Call Control application: where calls are reported that say nothing else."""

    connection_id: str
    signer: TelnyxSigner
    api_url: Callable[[], str]
    webhook_event_url: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    """What else is set of it, as the API has it."""
    wall: Callable[[], float] = time.time
    """Seconds since the Unix epoch, which webhooks are signed with."""


class TelnyxWire:
    """Implements `Wire`."""

    parks = True

    def __init__(
        self,
        application: Application,
        legs: Legs,
        *,
        session_id: str = "",
        client_state: str | None = None,
        webhook_url: str = "",
        detection: str = "",
    ) -> None:
        """`detection` is the `answering_machine_detection` that was asked for."""
        self.leg_id = str(uuid4())
        self.session_id = session_id or str(uuid4())
        self.client_state = client_state
        self.webhook_url = webhook_url
        self.is_rtp = True
        """Whether the stream's bidirectional mode is that."""
        self.answer: asyncio.Future[Sequence[Verb]] = asyncio.get_running_loop().create_future()
        """What the engine commands a call that rings it."""
        self._application = application
        self._legs = legs
        self._detection = detection

    def tell(self, call: LineCall, happened: Happening) -> Sequence[Callback]:
        told = self._told(call, happened)
        return told if self.webhook_url or self._application.webhook_event_url else []

    def _told(self, call: LineCall, happened: Happening) -> Sequence[Callback]:
        match happened:
            case Progressed(status):
                return list(self._progress(call, status))
            case Recognised(verdict):
                return [self._recognised(verdict)] if self._detection else []
            case GreetingEnded(beep):
                return list(self._greeting_ended(beep))
            case StreamOpened(stream, stream_id):
                return [self._event("streaming.started", stream_url=stream.url, stream_id=stream_id)]
            case StreamClosed(stream, stream_id):
                return [self._event("streaming.stopped", stream_url=stream.url, stream_id=stream_id)]
            case StreamRefused(_, stream_id, _):
                return [self._event("streaming.failed", failure_reason="connection_failed", stream_id=stream_id)]
            case KeyPressed(digit):
                return [self._event("call.dtmf.received", digit=digit)]
            case Connected():
                return [self._event("call.bridged")]
            case Announced(ended_by):
                return [self._event("call.speak.ended", status="completed" if ended_by == "done" else "call_hangup")]
            case Gathered(key, ended_by):
                return [self._event("call.gather.ended", digits=key, status=_GATHERED[ended_by])]
            case RecordingSaved(recording):
                return [self._recording(call, recording)]
            case _:
                return []

    def codec(self, call: LineCall, stream: ConnectStream) -> TelnyxLineCodec:
        of = StreamOf(
            call_control_id=self._legs.call_id,
            call_session_id=self.session_id,
            user_id=self._application.connection_id,
            from_number=self._legs.from_number,
            to_number=self._legs.to_number,
            client_state=self.client_state,
            custom_parameters=stream.parameters,
        )
        return TelnyxLineCodec(str(uuid4()), of, is_rtp=self.is_rtp)

    def upgrade_headers(self, url: str) -> Mapping[str, str]:
        """Telnyx signs no streams."""
        return {}

    def onward(self, call: LineCall, verb: DialNumber) -> tuple[Legs, TelnyxWire]:
        caller_id = verb.caller_id or self._legs.to_number
        legs = Legs(new_call_id(), "outbound", caller_id, verb.number, self._legs.call_id)
        wire = TelnyxWire(self._application, legs, session_id=self.session_id, webhook_url=self.webhook_url)
        return legs, wire

    async def follow(self, call: LineCall, hook: Hook, fields: Sequence[tuple[str, str]] = ()) -> Sequence[Verb]:
        raise CarrierError("Telnyx is told what to do by commands, and asks for no documents.")

    def _progress(self, call: LineCall, status: Status) -> Iterable[Callback]:
        inbound = self._legs.direction == "inbound"
        first: Status = "ringing" if inbound else "initiated"
        if status == first:
            state = "parked" if inbound else "bridging"
            yield self._event("call.initiated", direction="incoming" if inbound else "outgoing", state=state)
        elif status == "in-progress":
            yield self._event("call.answered", start_time=_time(call.answered_at))
        elif status in OVER:
            cause, source = _HANGUPS[status] if not inbound or status == "completed" else _TURNED_AWAY[status]
            yield self._event(
                "call.hangup",
                hangup_cause=cause,
                hangup_source="caller" if call.end.by == "party" and inbound else source,
                sip_hangup_cause=_SIP_CODES.get(status, "unspecified"),
                start_time=_time(call.began_at),
                end_time=_time(call.ended_at),
            )
            if call.talked_s and self._application.fields.get("call_cost_in_webhooks"):
                yield self._cost(call)

    def _cost(self, call: LineCall) -> Callback:
        minutes = -(-max(1, round(call.talked_s)) // 60)
        cost = f"{minutes * DOLLARS_A_MINUTE:.4f}"
        part = {"call_part": "sip-trunking", "cost": cost, "currency": "USD", "rate": f"{DOLLARS_A_MINUTE:.4f}"}
        billed = {"billed_duration_secs": minutes * 60, "total_cost": cost, "cost_parts": [part], "status": "valid"}
        return self._event("call.cost", **billed)

    def _recognised(self, verdict: str) -> Callback:
        if self._detection == "premium":
            return self._event("call.machine.premium.detection.ended", result=_PREMIUM[verdict])
        result = verdict if verdict in ("human", "machine") else "not_sure"
        return self._event("call.machine.detection.ended", result=result)

    def _greeting_ended(self, beep: bool) -> Iterable[Callback]:
        if self._detection == "premium":
            result = "beep_detected" if beep else "no_beep_detected"
            yield self._event("call.machine.premium.greeting.ended", result=result)
        elif self._detection == "greeting_end" or (self._detection == "detect_beep" and beep):
            yield self._event("call.machine.greeting.ended", result="beep_detected" if beep else "ended")

    def _recording(self, call: LineCall, recording: Recording) -> Callback:
        began_at = call.ended_at - recording.duration_s
        return self._event(
            "call.recording.saved",
            channels="dual" if recording.channels == 2 else "single",
            recording_id=recording.id,
            recording_urls={"wav": f"{self._application.api_url()}/recordings/{recording.id}.wav"},
            public_recording_urls={},
            recording_started_at=_time(began_at),
            recording_ended_at=_time(call.ended_at or began_at),
        )

    def _event(self, event_type: str, /, **payload: Any) -> Callback:
        wall = self._application.wall
        body = telnyx_event(
            event_type,
            delivery_id=str(uuid4()),
            occurred_at=_time(wall()),
            call_control_id=self._legs.call_id,
            connection_id=self._application.connection_id,
            call_leg_id=self.leg_id,
            call_session_id=self.session_id,
            client_state=self.client_state,
            from_=self._legs.from_number,
            to=self._legs.to_number,
            **payload,
        )
        url = self.webhook_url or self._application.webhook_event_url
        signer = self._application.signer
        return Callback(
            event_type,
            url,
            body,
            "application/json",
            attempts=ATTEMPTS,
            sign=lambda: signer.headers(body, wall()),
        )


_HANGUPS: Mapping[Status, tuple[str, str]] = {
    "completed": ("normal_clearing", "callee"),
    "busy": ("user_busy", "callee"),
    "no-answer": ("timeout", "unknown"),
    "canceled": ("originator_cancel", "caller"),
    "failed": ("not_found", "unknown"),
}
_TURNED_AWAY: Mapping[Status, tuple[str, str]] = {
    "busy": ("user_busy", "callee"),
    "canceled": ("call_rejected", "callee"),
    "failed": ("originator_cancel", "caller"),
}
_SIP_CODES: Mapping[Status, str] = {
    "completed": "200",
    "busy": "486",
    "no-answer": "487",
    "canceled": "487",
    "failed": "404",
}
_GATHERED = {"key": "valid", "timeout": "timeout", "call_over": "call_hangup"}
_PREMIUM = {"human": "human_residence", "machine": "machine", "fax": "fax_detected", "unknown": "not_sure"}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
