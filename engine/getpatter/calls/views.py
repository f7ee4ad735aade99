"""Calls as they are shown to the outside: what is asked of the switchboard and what it answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from getpatter.events import CostSource, Direction, DismissedAs, EndedBy, Outcome, Role, UsedFor
from getpatter.observability.stages import Stage

Status = Literal["queued", "ringing", "in_progress", "ended"]

E164 = r"^\+[1-9]\d{6,14}$"
"""An international telephone number (ITU-T E.164), plus sign first."""

PhoneNumber = Annotated[str, Field(pattern=E164, examples=["+12025550100"])]


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class PlaceCall(_Shown):
    """A call to make.  `key` makes a repeated request give the call it made the first time."""

    to_number: PhoneNumber
    goal: Annotated[str, Field(min_length=1, max_length=4000)]
    first_message: Annotated[str, Field(max_length=1000)] = ""
    voicemail_message: Annotated[str, Field(max_length=2000)] = ""
    max_duration_s: Annotated[float, Field(gt=0, le=14400)] | None = None
    phrases: tuple[str, ...] = ()
    key: Annotated[str, Field(max_length=200)] = ""


class ServeInbound(_Shown):
    """How incoming calls are to be answered from now on; `enabled=False` turns them away again."""

    goal: Annotated[str, Field(max_length=4000)] = ""
    first_message: Annotated[str, Field(max_length=1000)] = "Hello, how can I help you?"
    phrases: tuple[str, ...] = ()
    enabled: bool = True


class InboundView(_Shown):
    """`phone_number` is answered by the agent while `enabled`; `how_to_try` says how to ring it."""

    enabled: bool
    phone_number: str
    carrier: str
    goal: str
    how_to_try: str


class Percentiles(_Shown):
    """Milliseconds over the agent's answers of one call (linear interpolation)."""

    p50: float
    p90: float
    p95: float
    p99: float


class LatencySummary(_Shown):
    """Each part as in `events.TurnLatency`; a part that no answer observed is absent."""

    turns: int
    user_speech_duration_ms: Percentiles | None = None
    silence_ms: Percentiles | None = None
    endpoint_ms: Percentiles | None = None
    stt_ms: Percentiles | None = None
    llm_ttft_ms: Percentiles | None = None
    llm_total_ms: Percentiles | None = None
    tts_ms: Percentiles | None = None
    tts_total_ms: Percentiles | None = None
    engine_ms: Percentiles | None = None
    bargein_ms: Percentiles | None = None
    agent_response_ms: Percentiles | None = None
    response_ms: Percentiles | None = None


class Cost(_Shown):
    """Money, in units of the currency (ISO 4217)."""

    amount: float
    currency: str
    source: CostSource
    """Whose word it is: our estimate from list prices, or the carrier's."""


CostPart = UsedFor | Literal["telephony"]


class CallCost(_Shown):
    """What a call cost, in US dollars: so far, while it lives.  None is a part that was not used, or is `unknown`."""

    total: float | None = None
    """Of what is known; with an `unknown` part the call cost more, or may have."""
    stt: float | None = None
    llm: float | None = None
    tts: float | None = None
    engine: float | None = None
    telephony: float | None = None
    cached_savings: float = 0.0
    """What caches of language models saved against the full price."""
    unknown: tuple[CostPart, ...] = ()
    """Parts of which at least something has no known price."""
    estimated: tuple[CostPart, ...] = ()
    """Parts of which at least something is our own estimate."""

    def __str__(self) -> str:
        if self.total is None:
            return "unknown"
        least = "at least " if self.unknown else ""
        about = "~" if self.estimated else ""
        return f"{least}{about}{self.total:.4f} USD"


class CallView(_Shown):
    """One call as it stands.  Times are Unix seconds."""

    call_id: str
    direction: Direction
    from_number: str
    to_number: str
    carrier: str
    status: Status
    outcome: Outcome | None = None
    ended_by: EndedBy | None = None
    reason: str = ""
    error_code: str = ""
    error: str = ""
    transferred_to: str = ""
    """Who has the far end now."""
    goal: str = ""
    agent: str = ""
    language_model: str = ""
    speech_to_text: str = ""
    text_to_speech: str = ""
    notes: tuple[str, ...] = ()
    created_at: float
    answered_at: float | None = None
    ended_at: float | None = None
    duration_s: float = 0.0
    """Answer to end, or to now."""
    turns: int = 0
    interruptions: int = 0
    false_interruptions: dict[DismissedAs, int] = {}
    """Voices over the agent that did not mean to take the turn, by kind."""
    tool_calls: int = 0
    drafts_used: int = 0
    """Answers begun before the caller had finished that became the answer."""
    drafts_wasted: int = 0
    """Those that were thrown away unheard."""
    first_message_wasted_s: float = 0.0
    """Seconds of a first message that were spoken in advance and never asked for."""
    latency: LatencySummary | None = None
    recording: str = ""
    """Path of a stereo WAV on the engine's machine: caller left, agent right."""
    carrier_recording: str = ""
    """Path of the carrier's own recording, fetched after the call."""
    carrier_cost: Cost | None = None
    """What the carrier charges; None where it is not known, which is not to say nothing."""
    cost: CallCost = CallCost()
    """Of all that the call used, the carrier's part included."""
    last_seq: int = 0
    """Number of the latest event; `wait` can be asked to return at a later one."""

    @property
    def ended(self) -> bool:
        return self.status == "ended"


class TurnView(_Shown):
    """One turn.  `at_s` counts from the answer.  For the agent, `text` is what was heard of it."""

    index: int
    role: Role
    text: str
    at_s: float
    duration_s: float
    interrupted: bool = False
    unheard: str = ""
    response_ms: float | None = None
    latency: dict[str, float] = {}
    """The parts of the response time that were observed, as in `events.TurnLatency`."""
    slowest: Stage | None = None
    """The stage that took most of the response time."""
    slowest_ms: float | None = None


class TranscriptPage(_Shown):
    """Turns oldest first; `next_after` continues, None when there are no more yet."""

    call_id: str
    status: Status
    outcome: Outcome | None = None
    turns: tuple[TurnView, ...]
    next_after: int | None = None


class CallQuery(_Shown):
    """Calls to list, newest first.  `before` is a `created_at` to page on from."""

    status: Status | None = None
    direction: Direction | None = None
    number: str = ""
    """Part of either number."""
    outcome: Outcome | None = None
    before: float | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 20
