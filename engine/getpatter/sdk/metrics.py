"""The figures of a call, for callbacks and results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from getpatter.events import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallPrepared,
    DraftEnded,
    Event,
    FirstToken,
    ProviderUsed,
    Turn,
    TurnLatency,
    UsedFor,
)
from getpatter.observability.latency import Spread, observed, spreads
from getpatter.pricing.bill import Bill
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.table import PriceTable
from getpatter.pricing.telephony import estimate

MICROS = 1_000_000
"""Prices are kept in millionths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyBreakdown:
    """The parts of one answer's latency, or of all answers' of a call, in milliseconds (see `events.TurnLatency`).

    The first four are 0 where nothing was observed, the others None.
    """

    stt_ms: float = 0.0
    """The caller's voice has stopped → final transcript."""
    llm_ms: float = 0.0
    """Language model asked → first token."""
    tts_ms: float = 0.0
    """First sentence handed to the voice → its first audio."""
    total_ms: float = 0.0
    """The caller's last speech → first audio sent: what a caller feels."""
    user_speech_duration_ms: float | None = None
    llm_ttft_ms: float | None = None
    llm_total_ms: float | None = None
    endpoint_ms: float | None = None
    bargein_ms: float | None = None
    tts_total_ms: float | None = None
    agent_response_ms: float | None = None
    """endpoint + llm_ttft + tts, where all three are known: what the system can be blamed for."""

    @classmethod
    def of(cls, parts: Mapping[str, float]) -> LatencyBreakdown:
        """From the parts that were observed, by their names in `events.TurnLatency`."""
        return cls(
            stt_ms=parts.get("stt_ms", 0.0),
            llm_ms=parts.get("llm_ttft_ms", 0.0),
            tts_ms=parts.get("tts_ms", 0.0),
            total_ms=parts.get("response_ms", 0.0),
            user_speech_duration_ms=parts.get("user_speech_duration_ms"),
            llm_ttft_ms=parts.get("llm_ttft_ms"),
            llm_total_ms=parts.get("llm_total_ms"),
            endpoint_ms=parts.get("endpoint_ms"),
            bargein_ms=parts.get("bargein_ms"),
            tts_total_ms=parts.get("tts_total_ms"),
            agent_response_ms=parts.get("agent_response_ms"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CostBreakdown:
    """US dollars; None is not known, which is not nothing, or was not used.  Recognisers and voices tell at the end of
    the call what they used."""

    stt: float | None = None
    tts: float | None = None
    llm: float | None = None
    engine: float | None = None
    """A speech-to-speech engine, which is all three."""
    telephony: float | None = None
    """By the carrier's list prices: its own price is known minutes after the call (`Callbacks.on_price`)."""
    llm_cached_savings: float = 0.0
    """What caches of language models and engines saved against the full price; it is taken off already."""
    unknown: tuple[str, ...] = ()
    """The parts, by their names here, of which at least something has no known price."""

    @property
    def total(self) -> float | None:
        """What is known of it, so at least this where something is `unknown`; None when nothing is known."""
        parts = (self.stt, self.tts, self.llm, self.engine, self.telephony)
        known = [part for part in parts if part is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnMetrics:
    """The caller said something, and the agent answered.  Either may be missing, as before a first message."""

    turn_index: int
    user_text: str
    agent_text: str
    """What was heard of the answer."""
    interrupted: bool
    latency: LatencyBreakdown
    timestamp: float
    """Unix seconds at which the answer ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMetrics:
    """One call.  The providers are named as the call's record names them."""

    call_id: str
    duration_seconds: float
    """Answer to end, or to the latest event; 0 when nobody answered."""
    turns: tuple[TurnMetrics, ...]
    cost: CostBreakdown
    latency_avg: LatencyBreakdown
    latency_p50: LatencyBreakdown
    latency_p90: LatencyBreakdown
    latency_p95: LatencyBreakdown
    latency_p99: LatencyBreakdown
    provider_mode: str
    """`pipeline`, or `realtime` where one engine hears, thinks and speaks."""
    stt_provider: str
    tts_provider: str
    llm_provider: str
    telephony_provider: str
    llm_model: str = ""
    """As the model names itself; empty where it does not."""
    error_code: str = ""
    preemptive_hits: int = 0
    """Answers begun before the caller had finished that became the answer."""
    preemptive_misses: int = 0


class Meter:
    """Reads the events of one call; every call needs its own."""

    def __init__(self, prices: PriceTable = BUILT_IN) -> None:
        self._prices = prices
        self._bills: dict[UsedFor, Bill] = {}
        self._saved_micros = 0
        self._call_id = ""
        self._placed: CallPlaced | None = None
        self._ear = ""
        self._model = ""
        self._answered_at: float | None = None
        self._latest_at = 0.0
        self._ended: CallEnded | None = None
        self._hits = self._misses = 0
        self._user_words: list[str] = []
        self._turns: list[TurnMetrics] = []
        self._latencies: list[TurnLatency] = []

    def apply(self, event: Event) -> TurnMetrics | None:
        """Take the next event in; gives the turn that it completes."""
        self._call_id, self._latest_at = event.call_id, event.at
        match event:
            case CallPlaced():
                self._placed, self._ear = event, event.speech_to_text
            case CallPrepared():
                self._ear = event.speech_to_text
            case CallAnswered():
                self._answered_at = event.at
            case FirstToken() if event.model:
                self._model = event.model
            case DraftEnded():
                self._hits, self._misses = self._hits + event.used, self._misses + (not event.used)
            case ProviderUsed():
                bill = self._bills.get(event.kind, Bill())
                self._bills[event.kind] = bill.plus(event.cost_micros, estimated=event.used.estimated)
                self._saved_micros += event.saved_micros
            case CallEnded():
                self._ended = event
            case Turn(role="caller"):
                self._user_words.append(event.text)
            case Turn():
                return self._answer(event)
            case _:
                pass
        return None

    @property
    def cost(self) -> CostBreakdown:
        """What the call has cost so far, as far as it is known."""
        telephony = self._telephony
        unknown: list[str] = [kind for kind, bill in self._bills.items() if bill.unknown]
        if telephony is None and self._placed is not None:
            unknown.append("telephony")
        return CostBreakdown(
            stt=self._dollars("stt"),
            tts=self._dollars("tts"),
            llm=self._dollars("llm"),
            engine=self._dollars("engine"),
            telephony=telephony,
            llm_cached_savings=self._saved_micros / MICROS,
            unknown=tuple(unknown),
        )

    @property
    def metrics(self) -> CallMetrics:
        placed = self._placed
        thinks, speaks = (placed.language_model, placed.text_to_speech) if placed else ("", "")
        return CallMetrics(
            call_id=self._call_id,
            duration_seconds=self._duration,
            turns=tuple(self._turns),
            cost=self.cost,
            latency_avg=self._average,
            latency_p50=self._percentiles(lambda found: found.p50),
            latency_p90=self._percentiles(lambda found: found.p90),
            latency_p95=self._percentiles(lambda found: found.p95),
            latency_p99=self._percentiles(lambda found: found.p99),
            provider_mode="realtime" if thinks and thinks == speaks else "pipeline",
            stt_provider=self._ear,
            tts_provider=speaks,
            llm_provider=thinks,
            telephony_provider=placed.carrier if placed else "",
            llm_model=self._model,
            error_code=self._ended.error_code if self._ended else "",
            preemptive_hits=self._hits,
            preemptive_misses=self._misses,
        )

    def _answer(self, turn: Turn) -> TurnMetrics:
        answer = TurnMetrics(
            turn_index=len(self._turns),
            user_text=" ".join(self._user_words),
            agent_text=turn.text,
            interrupted=turn.interrupted,
            latency=LatencyBreakdown.of(observed(turn.latency)),
            timestamp=turn.ended_at,
        )
        self._user_words.clear()
        self._turns.append(answer)
        self._latencies.append(turn.latency)
        return answer

    def _dollars(self, kind: UsedFor) -> float | None:
        micros = self._bills.get(kind, Bill()).micros
        return None if micros is None else micros / MICROS

    @property
    def _telephony(self) -> float | None:
        if (placed := self._placed) is None:
            return None
        micros = estimate(placed.carrier, placed.direction, placed.to_number, self._duration, self._prices)
        return None if micros is None else micros / MICROS

    @property
    def _duration(self) -> float:
        if self._ended is not None:
            return self._ended.duration_s
        return 0.0 if self._answered_at is None else max(0.0, self._latest_at - self._answered_at)

    def _percentiles(self, which: Callable[[Spread], float]) -> LatencyBreakdown:
        return LatencyBreakdown.of({part: which(found) for part, found in spreads(self._latencies).items()})

    @property
    def _average(self) -> LatencyBreakdown:
        values: dict[str, list[float]] = {}
        for latency in self._latencies:
            for part, ms in observed(latency).items():
                if ms:  # a step that was done before it was needed, see `spreads`
                    values.setdefault(part, []).append(ms)
        return LatencyBreakdown.of({part: sum(each) / len(each) for part, each in values.items()})
