"""What happens in calls under plain names, each with a dict: for programs that watch from outside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final, Literal, get_args

from getpatter.events import (
    Amendment,
    BargeIn,
    CallEnded,
    CallPlaced,
    CallPrepared,
    EndOfTurn,
    Event,
    FalseInterruption,
    FirstToken,
    Role,
    SpeechStarted,
    TranscriptInterim,
    Turn,
)
from getpatter.observability.latency import observed
from getpatter.observability.talk import Talk

PatterEventType = Literal[
    "turn_started",
    "turn_ended",
    "eou_metrics",
    "interruption",
    "false_interruption",
    "llm_metrics",
    "stt_metrics",
    "tts_metrics",
    "metrics_collected",
    "call_ended",
    "transcript_partial",
    "transcript_final",
    "llm_chunk",
    "tts_chunk",
]
NAMES: Final = frozenset[str](get_args(PatterEventType))

Payload = dict[str, Any]
NamedEvent = tuple[PatterEventType, Payload]

_ROLES: Final[dict[Role, str]] = {"caller": "user", "agent": "assistant"}
_STAGES: Final[dict[PatterEventType, tuple[str, ...]]] = {
    "stt_metrics": ("stt_ms",),
    "llm_metrics": ("llm_ttft_ms", "llm_total_ms"),
    "tts_metrics": ("tts_ms", "tts_total_ms"),
}


class CallReading:
    """Reads the events of one call; every call needs its own."""

    def __init__(self) -> None:
        self._talk = Talk()
        self._providers: dict[PatterEventType, str] = {}
        """By the metrics that name them."""
        self._model = ""
        self._turns = 0

    def apply(self, event: Event) -> list[NamedEvent]:
        """What the next event of the call is by name; nothing for most."""
        self._talk.apply(event)
        match event:
            case CallPlaced():
                self._providers = {
                    "stt_metrics": event.speech_to_text,
                    "llm_metrics": event.language_model,
                    "tts_metrics": event.text_to_speech,
                }
            case CallPrepared():
                self._providers["stt_metrics"] = event.speech_to_text
            case FirstToken():
                self._model = event.model
        return [(name, {**_about(event), **told}) for name, told in self._named(event)]

    def _named(self, event: Event) -> list[NamedEvent]:
        match event:
            case SpeechStarted():
                return self._speech(event)
            case Turn():
                return self._turn(event)
            case TranscriptInterim():
                return [("transcript_partial", {"text": event.text})]
            case EndOfTurn():
                return [("eou_metrics", {"trigger": event.trigger, **_known(asdict(self._talk.turns[-1]))})]
            case FirstToken():
                return [("llm_chunk", {"turn_index": self._turns, **self._by("llm_metrics")})]
            case BargeIn():
                return [("interruption", _known(asdict(self._talk.interruptions)))]
            case FalseInterruption():
                return [("false_interruption", {"kind": event.kind, "paused_ms": event.paused_ms})]
            case CallEnded():
                return [("call_ended", _end(event))]
            case _:
                return []

    def _speech(self, started: SpeechStarted) -> list[NamedEvent]:
        began: list[NamedEvent] = [("turn_started", {"turn_index": self._turns, "role": _ROLES[started.role]})]
        if started.role == "agent":
            began.append(("tts_chunk", {"turn_index": self._turns, **self._by("tts_metrics")}))
        return began

    def _turn(self, turn: Turn) -> list[NamedEvent]:
        self._turns = turn.index + 1
        about: Payload = {"turn_index": turn.index}
        ended: Payload = {
            **about,
            "role": _ROLES[turn.role],
            "interrupted": turn.interrupted,
            "duration_ms": round((turn.ended_at - turn.started_at) * 1000, 2),
        }
        if turn.role == "caller":
            return [("transcript_final", {**about, "text": turn.text}), ("turn_ended", ended)]
        parts = observed(turn.latency)
        stages: list[NamedEvent] = []
        for name, names in _STAGES.items():
            if found := {part: parts[part] for part in names if part in parts}:
                stages.append((name, {**about, **self._by(name), **found}))
        collected: Payload = {**about, "interrupted": turn.interrupted, **parts}
        return [*stages, ("metrics_collected", collected), ("turn_ended", ended)]

    def _by(self, metrics: PatterEventType) -> Payload:
        """Who did it, as far as that is known."""
        model = self._model if metrics == "llm_metrics" else ""
        return {key: name for key, name in (("provider", self._providers.get(metrics)), ("model", model)) if name}


class Readings:
    """The readings of all calls."""

    def __init__(self) -> None:
        self._calls: dict[str, CallReading] = {}

    def apply(self, event: Event) -> list[NamedEvent]:
        """As `CallReading.apply`.  Of a call that began before, what can be told without its beginning is."""
        if isinstance(event, Amendment):
            return []
        reading = self._calls.setdefault(event.call_id, CallReading())
        if isinstance(event, CallEnded):
            del self._calls[event.call_id]
        return reading.apply(event)


def _about(event: Event) -> Payload:
    return {"call_id": event.call_id, "timestamp_ms": round(event.at * 1000, 2)}


def _known(told: Payload) -> Payload:
    return {key: value for key, value in told.items() if value is not None}


def _end(event: CallEnded) -> Payload:
    return {
        "outcome": event.outcome,
        "ended_by": event.ended_by,
        "reason": event.reason,
        "duration_s": event.duration_s,
        "error_code": event.error_code,
    }
