"""One call as OpenTelemetry spans, drawn from its events after the fact."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from getpatter.events import (
    BargeIn,
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallPrepared,
    CallPriced,
    EndOfTurn,
    Event,
    FalseInterruption,
    FirstToken,
    Problem,
    ProviderUsed,
    SpeechStarted,
    ToolCalled,
    Turn,
)
from getpatter.observability.call_cost import CallCost, telephony_minutes, telephony_price

Attributes = Mapping[str, str | int | float]


class CallTrace:
    """The span `getpatter.call` of one call and those within it: `endpoint`, `stt`, `llm`, `tts`, `tool`, `bargein`.

    Attributes are sizes, durations, costs, codes and names of providers.  Words, numbers, names and arguments of tools
    are none: a model may write into them what the caller said.
    """

    def __init__(self, tracer: Tracer, placed: CallPlaced) -> None:
        self._tracer = tracer
        self._call_id = placed.call_id
        self._call = tracer.start_span(
            "getpatter.call",
            kind=SpanKind.CLIENT if placed.direction == "outbound" else SpanKind.SERVER,
            start_time=_ns(placed.at),
            attributes={
                "patter.call_id": placed.call_id,
                "patter.direction": placed.direction,
                "patter.telephony.provider": placed.carrier,
            },
        )
        self._context = set_span_in_context(self._call)
        self._stt, self._llm, self._tts = placed.speech_to_text, placed.language_model, placed.text_to_speech
        self._model = ""
        self._trigger = ""
        self._voice_at = 0.0
        self._caller_chars = 0
        self._cost = CallCost()

    def apply(self, event: Event) -> None:
        """Take the next event of the call in; `CallEnded` ends its span."""
        match event:
            case CallPrepared():
                self._stt = event.speech_to_text
            case CallAnswered():
                self._note("answered", event.at)
            case SpeechStarted(role="caller"):
                self._voice_at = event.at
            case EndOfTurn():
                self._trigger = event.trigger
            case FirstToken():
                self._model = event.model
            case Turn(role="caller"):
                self._caller_chars = len(event.text)
            case Turn():
                self._answer(event)
            case ToolCalled():
                self._tool(event)
            case BargeIn():
                self._span("bargein", self._voice_at or event.at, event.clear_ms, {})
            case FalseInterruption():
                self._note("false_interruption", event.at, {"kind": event.kind, "paused_ms": event.paused_ms})
            case Problem():
                self._note("problem", event.at, {"code": event.code})
            case ProviderUsed():
                self._cost.apply(event)
            case CallEnded():
                self._end(event)
            case _:
                pass

    def abandon(self) -> None:
        """No more events will come."""
        self._call.set_attributes(self._cost.attributes)
        self._call.end()

    def priced(self, price: CallPriced) -> None:
        """The carrier's part, which becomes known when the span of the call has ended: a span of no length."""
        span = self._tracer.start_span(
            "patter.billable",
            context=self._context,
            start_time=_ns(price.at),
            attributes={"patter.call_id": self._call_id, **telephony_price(price)},
        )
        span.end(_ns(price.at))

    def _answer(self, turn: Turn) -> None:
        """The steps of an answer, laid back from its first frame."""
        latency = turn.latency
        if latency.tts_ms is not None:
            self._voice(turn, latency.tts_ms)
        if latency.response_ms is None or latency.silence_ms is None:
            return
        stopped = turn.started_at + (latency.silence_ms - latency.response_ms) / 1000
        if latency.stt_ms is not None:
            heard: Attributes = {
                "patter.turn": turn.index,
                "patter.stt.provider": self._stt,
                "patter.chars": self._caller_chars,
            }
            self._span("stt", stopped, latency.stt_ms, heard)
        if latency.endpoint_ms is None:
            return
        found: Attributes = {"patter.turn": turn.index, "patter.endpoint.trigger": self._trigger}
        self._span("endpoint", stopped, latency.endpoint_ms, found)
        if latency.llm_ttft_ms is not None:
            self._model_spoke(turn, stopped + latency.endpoint_ms / 1000, latency.llm_ttft_ms)

    def _voice(self, turn: Turn, first_audio_ms: float) -> None:
        began = turn.started_at - ((turn.latency.engine_ms or 0.0) + first_audio_ms) / 1000
        spoken: Attributes = {
            "patter.turn": turn.index,
            "patter.tts.provider": self._tts,
            "patter.latency.ttfb_ms": first_audio_ms,
            "patter.chars": len(turn.text) + len(turn.unheard),
        }
        self._span("tts", began, turn.latency.tts_total_ms or first_audio_ms, spoken)

    def _model_spoke(self, turn: Turn, asked: float, first_token_ms: float) -> None:
        written: Attributes = {
            "patter.turn": turn.index,
            "patter.llm.provider": self._llm,
            "patter.llm.model": self._model,
            "patter.latency.ttfb_ms": first_token_ms,
        }
        self._span("llm", asked, turn.latency.llm_total_ms or first_token_ms, written)

    def _tool(self, tool: ToolCalled) -> None:
        sizes: Attributes = {
            "patter.tool.arguments_chars": len(tool.arguments),
            "patter.tool.result_chars": len(tool.result),
        }
        span = self._span("tool", tool.at - tool.duration_ms / 1000, tool.duration_ms, sizes, ends=False)
        if tool.error:
            span.set_status(Status(StatusCode.ERROR))
        span.end(_ns(tool.at))

    def _end(self, ended: CallEnded) -> None:
        self._call.set_attributes(
            {
                "patter.outcome": ended.outcome,
                "patter.ended_by": ended.ended_by,
                "patter.duration_s": ended.duration_s,
                "patter.error_code": ended.error_code,
                **telephony_minutes(ended.duration_s),
                **self._cost.attributes,
            }
        )
        if ended.error_code:
            self._call.set_status(Status(StatusCode.ERROR))
        self._call.end(_ns(ended.at))

    def _span(self, name: str, began: float, took_ms: float, attributes: Attributes, *, ends: bool = True) -> Span:
        known = {key: value for key, value in attributes.items() if value != ""}
        span = self._tracer.start_span(
            f"getpatter.{name}",
            context=self._context,
            start_time=_ns(began),
            attributes={"patter.call_id": self._call_id, **known},
        )
        if ends:
            span.end(_ns(began + took_ms / 1000))
        return span

    def _note(self, name: str, at: float, attributes: Mapping[str, str | float] | None = None) -> None:
        self._call.add_event(name, attributes, timestamp=_ns(at))


def _ns(unix_s: float) -> int:
    return round(unix_s * 1e9)
