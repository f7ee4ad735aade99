"""Events of a call under plain names."""

from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.events import (
    BargeIn,
    CallEnded,
    CallPlaced,
    CallPrepared,
    CallPriced,
    EndOfTurn,
    Event,
    FalseInterruption,
    FirstToken,
    Role,
    SpeechStarted,
    TranscriptInterim,
    Turn,
    TurnLatency,
)
from getpatter.observability.named_events import NAMES, CallReading, Payload, Readings

PAGE = Path(__file__).parents[2] / "docs" / "observability.md"
ABOUT = {"call_id": "c1", "timestamp_ms": 110_000.0}


def placed() -> Event:
    return CallPlaced(
        call_id="c1",
        at=100.0,
        direction="outbound",
        from_number="+12025550199",
        to_number="+12025550100",
        carrier="sim",
        language_model="a model",
        speech_to_text="an ear",
        text_to_speech="a voice",
    )


def turn(index: int, role: Role, text: str, **more: object) -> Event:
    made = Turn(call_id="c1", at=110.0, index=index, role=role, text=text, started_at=108.0, ended_at=109.5)
    return made if not more else Turn(**{**{f: getattr(made, f) for f in made.__struct_fields__}, **more})


def ended() -> Event:
    return CallEnded(
        call_id="c1", at=110.0, outcome="answered", ended_by="caller", reason="bye", duration_s=7.0, error_code=""
    )


def told(*events: Event) -> list[tuple[str, Payload]]:
    """What the last event comes to."""
    reading = CallReading()
    for event in (placed(), *events[:-1]):
        reading.apply(event)
    return [(name, payload) for name, payload in reading.apply(events[-1])]


def test_a_side_begins_to_speak() -> None:
    assert told(SpeechStarted(call_id="c1", at=110.0, role="caller")) == [
        ("turn_started", {**ABOUT, "turn_index": 0, "role": "user"})
    ]


def test_the_first_audio_of_an_answer_names_the_voice() -> None:
    assert told(turn(0, "caller", "Hi."), SpeechStarted(call_id="c1", at=110.0, role="agent")) == [
        ("turn_started", {**ABOUT, "turn_index": 1, "role": "assistant"}),
        ("tts_chunk", {**ABOUT, "turn_index": 1, "provider": "a voice"}),
    ]


def test_what_the_caller_said() -> None:
    assert told(TranscriptInterim(call_id="c1", at=110.0, text="Is it")) == [
        ("transcript_partial", {**ABOUT, "text": "Is it"})
    ]
    assert told(turn(0, "caller", "Is it open?")) == [
        ("transcript_final", {**ABOUT, "turn_index": 0, "text": "Is it open?"}),
        ("turn_ended", {**ABOUT, "turn_index": 0, "role": "user", "interrupted": False, "duration_ms": 1500.0}),
    ]


def test_an_answer_has_the_figures_that_were_observed_and_no_others() -> None:
    latency = TurnLatency(stt_ms=100.0, llm_ttft_ms=250.0, llm_total_ms=800.0, response_ms=900.0)
    answer = turn(1, "agent", "Yes.", interrupted=True, latency=latency)
    prepared = CallPrepared(call_id="c1", at=101.0, speech_to_text="an exact ear")
    assert told(prepared, FirstToken(call_id="c1", at=109.0, model="m-1"), answer) == [
        ("stt_metrics", {**ABOUT, "turn_index": 1, "provider": "an exact ear", "stt_ms": 100.0}),
        (
            "llm_metrics",
            {
                **ABOUT,
                "turn_index": 1,
                "provider": "a model",
                "model": "m-1",
                "llm_ttft_ms": 250.0,
                "llm_total_ms": 800.0,
            },
        ),
        (
            "metrics_collected",
            {
                **ABOUT,
                "turn_index": 1,
                "interrupted": True,
                "stt_ms": 100.0,
                "llm_ttft_ms": 250.0,
                "llm_total_ms": 800.0,
                "response_ms": 900.0,
            },
        ),
        ("turn_ended", {**ABOUT, "turn_index": 1, "role": "assistant", "interrupted": True, "duration_ms": 1500.0}),
    ]


def test_the_first_token_names_the_model() -> None:
    assert told(FirstToken(call_id="c1", at=110.0, model="m-1")) == [
        ("llm_chunk", {**ABOUT, "turn_index": 0, "provider": "a model", "model": "m-1"})
    ]


def test_the_end_of_a_turn_tells_the_delays_that_were_observed() -> None:
    found = EndOfTurn(call_id="c1", at=110.0, trigger="silence", end_of_utterance_delay_ms=120.0)
    assert told(found) == [("eou_metrics", {**ABOUT, "trigger": "silence", "end_of_utterance_delay": 120.0})]


def test_interruptions_are_counted_through_the_call() -> None:
    assert told(BargeIn(call_id="c1", at=105.0), BargeIn(call_id="c1", at=110.0, clear_ms=40.0)) == [
        (
            "interruption",
            {
                **ABOUT,
                "total_duration": 0.0,
                "detection_delay": 0.04,
                "num_interruptions": 2,
                "num_backchannels": 0,
            },
        )
    ]


def test_a_voice_that_took_no_turn() -> None:
    dismissed = FalseInterruption(call_id="c1", at=110.0, kind="backchannel", text="mm-hm", paused_ms=80.0)
    assert told(dismissed) == [("false_interruption", {**ABOUT, "kind": "backchannel", "paused_ms": 80.0})]


def test_the_end_of_the_call() -> None:
    assert told(ended()) == [
        (
            "call_ended",
            {
                **ABOUT,
                "outcome": "answered",
                "ended_by": "caller",
                "reason": "bye",
                "duration_s": 7.0,
                "error_code": "",
            },
        )
    ]


def test_a_call_that_began_before_is_told_of_without_what_its_beginning_says() -> None:
    readings = Readings()
    assert readings.apply(FirstToken(call_id="c1", at=110.0)) == [("llm_chunk", {**ABOUT, "turn_index": 0})]


def test_calls_are_read_apart_and_forgotten_when_they_end() -> None:
    readings = Readings()
    readings.apply(turn(0, "caller", "Hi."))
    ((_, other),) = readings.apply(SpeechStarted(call_id="c2", at=110.0, role="caller"))
    assert (other["call_id"], other["turn_index"]) == ("c2", 0)
    readings.apply(ended())
    readings.apply(CallPriced(call_id="c1", at=120.0, amount_micros=1, currency="USD", source="carrier"))
    assert set(readings._calls) == {"c2"}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_is_documented(name: str) -> None:
    assert f"| `{name}` |" in PAGE.read_text("utf-8")
