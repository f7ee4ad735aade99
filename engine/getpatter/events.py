"""Everything that happens in a call, one type an event.

The events of a call are the only record of it: the store, the live view, MCP progress, the dashboard and user
callbacks are all readers of this one stream.  They are plain data and travel as tagged JSON (`{"type": "turn", ...}`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from getpatter.metering import Used

Direction = Literal["outbound", "inbound"]
Role = Literal["agent", "caller"]
Outcome = Literal["answered", "voicemail", "no_answer", "busy", "failed", "canceled", "interrupted"]
TurnTrigger = Literal["silence", "recogniser", "turn_detector", "keys"]
DismissedAs = Literal["noise", "backchannel", "unconfirmed", "echo"]
TransferMode = Literal["cold", "warm"]
EndedBy = Literal["caller", "agent", "assistant", "limit", "carrier", "engine"]
CostSource = Literal["estimate", "carrier"]
UsedFor = Literal["stt", "llm", "tts", "engine"]

# A latency in milliseconds, not below zero.
Millis = Annotated[float, msgspec.Meta(ge=0)]


class CallEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """`at` is Unix seconds; `seq` counts a call's events from 1 and is given by the bus."""

    call_id: str
    at: float
    seq: int = 0


class CallPlaced(CallEvent, tag="placed", frozen=True, kw_only=True):
    """A call exists: dialled by us, or answered by us when `direction` is inbound."""

    direction: Direction
    from_number: str
    to_number: str
    carrier: str
    goal: str = ""
    agent: str = ""
    language_model: str = ""
    speech_to_text: str = ""
    text_to_speech: str = ""
    notes: tuple[str, ...] = ()
    """What a reader must know, e.g. that the agent's words come from a script and not from a language model."""
    key: str = ""
    """The idempotency key of the request, where it had one: a second request with it gives this call."""
    carrier_call_id: str = ""
    """The carrier's name for a call that it brought; one that we place gets it later (`CallDialed`)."""


class CallDialed(CallEvent, tag="dialed", frozen=True, kw_only=True):
    """The carrier took the call and named it; some name it anew when it is answered."""

    carrier_call_id: str


class CallPrepared(CallEvent, tag="prepared", frozen=True, kw_only=True):
    """The call's recogniser is open, and says more exactly what it is, e.g. `pocketsphinx (phrases)`."""

    speech_to_text: str


class CallRinging(CallEvent, tag="ringing", frozen=True, kw_only=True):
    pass


class CallAnswered(CallEvent, tag="answered", frozen=True, kw_only=True):
    """Somebody or something picked up: the media stream is open."""


class MachineDetected(CallEvent, tag="machine_detected", frozen=True, kw_only=True):
    """Who or what took the call: the carrier's word, or what was heard in the call."""

    classification: Literal["human", "machine", "fax", "unknown"]
    raw: str = ""
    """The carrier's own word; "heard: " and what showed it where we found out ourselves."""


class SpeechStarted(CallEvent, tag="speech_started", frozen=True, kw_only=True):
    role: Role


class SpeechEnded(CallEvent, tag="speech_ended", frozen=True, kw_only=True):
    role: Role
    silence_ms: Millis = 0.0
    """Silence that had shown it: the speech ended this much before `at`."""
    interrupted: bool = False
    """The agent was not let finish."""


class EndOfTurn(CallEvent, tag="end_of_turn", frozen=True, kw_only=True):
    """The caller has finished and the answer is asked for.  Delays are from the moment the VAD said that their voice
    had stopped; one that was not observed is absent."""

    trigger: TurnTrigger = "silence"
    silence_ms: Millis | None = None
    """Silence that had passed when the VAD said so."""
    end_of_utterance_delay_ms: Millis | None = None
    """→ final transcript."""
    transcription_delay_ms: Millis | None = None
    """→ the turn is taken for complete."""
    on_user_turn_completed_delay_ms: Millis | None = None
    """What the hook after the transcript took."""


class FirstToken(CallEvent, tag="first_token", frozen=True, kw_only=True):
    """The language model has begun to write the answer."""

    model: str = ""


class DraftEnded(CallEvent, tag="draft_ended", frozen=True, kw_only=True):
    """An answer that was begun before the caller had finished became the answer, or was thrown away unheard."""

    used: bool


class TurnLatency(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The parts of one response time, in milliseconds; a part that was not observed is absent.

    The caller's last speech ─ silence ─► VAD says so ─ endpoint ─► answer asked for ─ LLM ─► text ─ TTS ─► audio
    ─► first frame sent.  `response` is the whole of it, which is what a caller feels.
    """

    user_speech_duration_ms: Millis | None = None
    """How long the caller had spoken; no part of any latency."""
    silence_ms: Millis | None = None
    """Caller's last speech → VAD says that it has stopped (its stop time)."""
    endpoint_ms: Millis | None = None
    """VAD says so → the language model is asked: the final transcript, and waiting whether the caller goes on."""
    stt_ms: Millis | None = None
    """VAD says so → final transcript: finalisation only, however long the caller spoke."""
    llm_ttft_ms: Millis | None = None
    """Language model asked → first token.  Near zero, or absent, where the answer was begun in advance."""
    llm_total_ms: Millis | None = None
    """Language model asked → last token."""
    tts_ms: Millis | None = None
    """First sentence handed to the voice → its first audio."""
    tts_total_ms: Millis | None = None
    """First sentence handed to the voice → all audio is there."""
    engine_ms: Millis | None = None
    """What is left of VAD says so → first frame when STT, holding, LLM and TTS are taken away: our own doing."""
    bargein_ms: Millis | None = None
    """Caller's voice detected over the agent → the agent is silent; only of a turn that was interrupted."""
    agent_response_ms: Millis | None = None
    """endpoint + llm_ttft + tts, where all three are known: what the system can be blamed for."""
    response_ms: Millis | None = None
    """Caller's last speech → first frame sent."""


class Turn(CallEvent, tag="turn", frozen=True, kw_only=True):
    """One side said something.  For the agent `text` is what the other side really heard."""

    index: int
    role: Role
    text: str
    started_at: float
    ended_at: float
    interrupted: bool = False
    unheard: str = ""
    """What the agent was going to say when it was interrupted."""
    latency: TurnLatency = TurnLatency()


class TranscriptInterim(CallEvent, tag="interim", frozen=True, kw_only=True):
    """What the caller seems to be saying; replaced by the turn."""

    text: str


class BargeIn(CallEvent, tag="barge_in", frozen=True, kw_only=True):
    """The caller spoke over the agent; `clear_ms` is detection → `clear` sent to the carrier."""

    clear_ms: Millis = 0.0


class FalseInterruption(CallEvent, tag="false_interruption", frozen=True, kw_only=True):
    """Somebody was heard over the agent and did not mean to take the turn."""

    kind: DismissedAs
    text: str = ""
    paused_ms: Millis = 0.0
    """How long the agent had stopped for it."""


class DtmfPressed(CallEvent, tag="dtmf", frozen=True, kw_only=True):
    role: Role
    digit: str


class ToolCalled(CallEvent, tag="tool_called", frozen=True, kw_only=True):
    tool_call_id: str
    name: str
    arguments: str
    """JSON text as the model wrote it."""
    result: str = ""
    error: str = ""
    duration_ms: Millis = 0.0


class HandedOver(CallEvent, tag="handed_over", frozen=True, kw_only=True):
    """Another agent of ours leads the conversation from now on."""

    agent: str
    reason: str = ""


class FirstMessagePrepared(CallEvent, tag="first_message_prepared", frozen=True, kw_only=True):
    """What became, at the end of the call, of a first message that was spoken in advance."""

    used: bool
    audio_s: float
    reused: bool = False
    """An earlier call had it rendered, so nothing was paid for."""


class ProviderUsed(CallEvent, tag="used", frozen=True, kw_only=True):
    """Something was bought of a provider: of a language model or an engine for each reply, of a recogniser and a voice
    for the whole call.  Priced at once, so that the record does not change with the list of prices."""

    kind: UsedFor
    used: Used
    cost_micros: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Millionths of a US dollar; None is not known."""
    saved_micros: Annotated[int, msgspec.Meta(ge=0)] = 0
    """What the provider's cache saved against the full price."""


class Transferred(CallEvent, tag="transferred", frozen=True, kw_only=True):
    """The carrier connects the other side to `number` (E.164); the call goes on without us."""

    number: str
    summary: str = ""
    """What the agent had to tell whoever answers: they heard it in a warm transfer, and not in a cold one."""
    mode: TransferMode = "cold"


class RecordingStarted(CallEvent, tag="recording_started", frozen=True, kw_only=True):
    """Where the recording grows: a whole WAV at any moment, so it outlives an engine that is killed."""

    path: str


class Recorded(CallEvent, tag="recorded", frozen=True, kw_only=True):
    """A stereo WAV, caller left and agent right."""

    path: str
    duration_s: float
    bytes: int


class Problem(CallEvent, tag="problem", frozen=True, kw_only=True):
    """Something failed and the call goes on or ends because of it; `code` is from the error tree."""

    code: str
    message: str


class CallEnding(CallEvent, tag="ending", frozen=True, kw_only=True):
    """Somebody asked for the end; the goodbye may still be playing."""

    ended_by: EndedBy
    reason: str


class CallEnded(CallEvent, tag="ended", frozen=True, kw_only=True):
    """The last event of every call while it lives; an `Amendment` may follow."""

    outcome: Outcome
    ended_by: EndedBy
    reason: str
    duration_s: float
    """Answer to end; 0 when nobody answered."""
    error_code: str = ""
    error: str = ""


class CallPriced(CallEvent, tag="priced", frozen=True, kw_only=True):
    """What the carrier charges: our estimate at the end of the call, the carrier's own word some minutes later."""

    amount_micros: Annotated[int, msgspec.Meta(ge=0)]
    """Millionths of the currency."""
    currency: str
    """ISO 4217, upper case."""
    source: CostSource


class CarrierRecorded(CallEvent, tag="carrier_recorded", frozen=True, kw_only=True):
    """The carrier's own recording of the call, fetched."""

    recording_id: str
    """The carrier's."""
    path: str
    duration_s: float
    bytes: int


Amendment = CallPriced | CarrierRecorded
"""What becomes known after the end."""

Event = (
    CallPlaced
    | CallDialed
    | CallPrepared
    | CallRinging
    | CallAnswered
    | MachineDetected
    | SpeechStarted
    | SpeechEnded
    | Turn
    | EndOfTurn
    | FirstToken
    | DraftEnded
    | TranscriptInterim
    | BargeIn
    | FalseInterruption
    | DtmfPressed
    | ToolCalled
    | HandedOver
    | FirstMessagePrepared
    | ProviderUsed
    | Transferred
    | RecordingStarted
    | Recorded
    | Problem
    | CallEnding
    | CallEnded
    | CallPriced
    | CarrierRecorded
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """One event as JSON."""
    return _encoder.encode(event)


def decode(data: bytes | str) -> Event:
    """The event in `data`; raises `msgspec.ValidationError` when it is none of ours."""
    return _decoder.decode(data)
