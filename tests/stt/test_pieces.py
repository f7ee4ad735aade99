from __future__ import annotations

import numpy as np

from getpatter.stt.pieces import PAUSE, RATE, SILENCE_RMS, PieceCutter, Samples, from_pcm16, loudness

SLICE = RATE // 10


def sound(level: float) -> Samples:
    return np.full(SLICE, level, np.float32)


def first_cut(cutter: PieceCutter, levels: list[float]) -> int | None:
    """Number of the slice that ends a piece."""
    return next((at for at, level in enumerate(levels) if cutter.take(sound(level))), None)


def test_speech_is_cut_in_the_first_pause_after_the_time() -> None:
    levels = [0.2] * 8 + [0.01] + [0.2] * 5 + [0.01] + [0.2] * 5
    assert first_cut(PieceCutter(1.0, 5.0), levels) == 14


def test_speech_without_a_pause_is_cut_at_the_limit() -> None:
    assert first_cut(PieceCutter(1.0, 2.0), [0.2] * 40) == 19


def test_a_quieter_word_is_no_pause() -> None:
    assert first_cut(PieceCutter(0.1, 2.0), [0.2, 0.2 * PAUSE * 1.1, 0.2 * PAUSE * 0.9]) == 2


def test_each_piece_has_its_own_loudness_and_length() -> None:
    cutter = PieceCutter(1.0, 2.0)
    assert first_cut(cutter, [0.8] * 10 + [0.1]) == 10
    assert first_cut(cutter, [0.1] * 10 + [0.01]) == 10


def test_an_idle_line_is_silent_and_a_whisper_is_not() -> None:
    assert loudness(from_pcm16(np.full(160, 8, "<i2").tobytes())) < SILENCE_RMS
    assert loudness(from_pcm16(np.full(160, 100, "<i2").tobytes())) > SILENCE_RMS
    assert loudness(from_pcm16(b"")) == 0.0


def test_lengths_are_seconds_at_any_rate() -> None:
    assert first_cut(PieceCutter(1.0, 2.0, 2 * RATE), [0.2] * 80) == 39
