from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from getpatter.audio.activity import SpeechDetector, SpeechEdge

SPEECH, BREATH, SILENCE = 0.9, 0.4, 0.1


def hear(detector: SpeechDetector, *probabilities: float) -> list[tuple[int, SpeechEdge]]:
    """The edges, each with the number of windows up to it."""
    edges = [(count, detector.feed(probability)) for count, probability in enumerate(probabilities, 1)]
    return [(count, edge) for count, edge in edges if edge]


def detector() -> SpeechDetector:
    """Two windows start speech, four end it."""
    return SpeechDetector(start_s=0.064, stop_s=0.128)


def speaking() -> SpeechDetector:
    heard = detector()
    hear(heard, SPEECH, SPEECH)
    return heard


def test_speech_starts_after_enough_of_it() -> None:
    assert hear(detector(), SPEECH, SPEECH, SPEECH) == [(2, "started")]


def test_a_click_is_no_speech() -> None:
    assert hear(detector(), SPEECH, BREATH, SPEECH, SILENCE, SPEECH) == []


def test_speech_ends_after_enough_silence() -> None:
    heard = speaking()
    assert hear(heard, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE) == [(4, "ended")]
    assert heard.silence_s == pytest.approx(0.128)


def test_a_word_breaks_the_silence() -> None:
    assert hear(speaking(), SILENCE, SILENCE, SILENCE, SPEECH, SILENCE, SILENCE, SILENCE) == []


def test_a_breath_does_not_break_the_silence() -> None:
    assert hear(speaking(), SILENCE, BREATH, SILENCE, BREATH) == [(4, "ended")]


def test_soft_speech_does_not_begin_the_silence() -> None:
    assert hear(speaking(), *[BREATH] * 50) == []


def test_it_hears_a_second_sentence() -> None:
    sentence = [SPEECH] * 3 + [SILENCE] * 4
    assert hear(detector(), *sentence, *sentence) == [(2, "started"), (7, "ended"), (9, "started"), (14, "ended")]


def test_reset_forgets_speech_without_an_edge() -> None:
    heard = speaking()
    heard.reset()
    assert not heard.speaking
    assert hear(heard, SILENCE, SILENCE, SILENCE, SILENCE, SPEECH) == []


@pytest.mark.parametrize(("stop_s", "windows"), [(0.0, 1), (0.032, 1), (0.033, 2), (0.2, 7), (0.5, 16), (0.96, 30)])
def test_times_are_covered_by_whole_windows(stop_s: float, windows: int) -> None:
    heard = SpeechDetector(start_s=0.032, stop_s=stop_s)
    assert hear(heard, SPEECH, *[SILENCE] * 40) == [(1, "started"), (1 + windows, "ended")]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=200))
def test_edges_alternate_and_silence_is_long_enough(probabilities: list[float]) -> None:
    heard = detector()
    edges = [edge for _, edge in hear(heard, *probabilities)]
    assert edges == ["started", "ended"] * (len(edges) // 2) + ["started"] * (len(edges) % 2)
    assert heard.speaking == (len(edges) % 2 == 1)
    if "ended" in edges:
        assert heard.silence_s >= 0.128
