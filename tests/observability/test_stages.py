from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.events import TurnLatency
from getpatter.observability.stages import slowest, stages

millis = st.none() | st.floats(min_value=0, max_value=1e5).map(lambda ms: round(ms, 2))
latencies = st.builds(TurnLatency, **dict.fromkeys(TurnLatency.__struct_fields__, millis))


def test_the_stages_follow_each_other_from_the_last_word_to_the_first_sound() -> None:
    latency = TurnLatency(
        silence_ms=200.0,
        endpoint_ms=350.0,
        stt_ms=100.0,
        llm_ttft_ms=300.0,
        tts_ms=150.0,
        engine_ms=10.0,
        response_ms=1090.0,
    )
    assert stages(latency) == {
        "silence": 200.0,
        "recogniser": 100.0,
        "waiting": 250.0,
        "language_model": 300.0,
        "voice": 150.0,
        "engine": 10.0,
        "writing": 80.0,
    }
    assert slowest(latency) == ("language_model", 300.0)


def test_what_was_done_in_advance_kept_nobody_waiting() -> None:
    latency = TurnLatency(silence_ms=200.0, endpoint_ms=50.0, llm_ttft_ms=0.0, tts_ms=400.0, response_ms=260.0)
    assert stages(latency) == {"silence": 200.0, "waiting": 50.0, "voice": 10.0}


@pytest.mark.parametrize("latency", [TurnLatency(), TurnLatency(tts_ms=100.0), TurnLatency(response_ms=0.0)])
def test_what_answers_nobody_has_no_stages(latency: TurnLatency) -> None:
    assert (stages(latency), slowest(latency)) == ({}, None)


@given(latencies)
def test_the_stages_fill_the_response_time_whatever_was_observed(latency: TurnLatency) -> None:
    took = stages(latency)
    assert sum(took.values()) == pytest.approx(latency.response_ms or 0.0, abs=0.05)
    assert all(ms > 0 for ms in took.values())
