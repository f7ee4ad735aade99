from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.audio import g711
from getpatter.audio.format import FRAME_BYTES, SILENCE
from getpatter.stt.gate import HANGOVER_FRAMES, PRE_ROLL_FRAMES, SilenceGate

QUIET = bytes([SILENCE]) * FRAME_BYTES
LOUD = g711.encode((3000 * np.sin(np.arange(FRAME_BYTES))).astype("<i2").tobytes())


def test_silence_does_not_pass() -> None:
    assert SilenceGate().feed(QUIET * 500) == b""


def test_speech_passes_with_a_lead_in() -> None:
    assert SilenceGate().feed(QUIET * 500 + LOUD * 3) == QUIET * PRE_ROLL_FRAMES + LOUD * 3


def test_a_pause_within_speech_is_kept_and_a_long_one_shortened() -> None:
    short = LOUD + QUIET * HANGOVER_FRAMES + LOUD
    assert SilenceGate().feed(short) == short
    passed = SilenceGate().feed(LOUD + QUIET * 500 + LOUD)
    assert passed == LOUD + QUIET * (HANGOVER_FRAMES + PRE_ROLL_FRAMES) + LOUD


@given(st.lists(st.integers(0, 700), max_size=40))
def test_the_size_of_the_pieces_makes_no_difference(sizes: list[int]) -> None:
    audio = QUIET * 20 + LOUD * 5 + QUIET * 40 + LOUD * 3
    whole = SilenceGate().feed(audio)
    gate = SilenceGate()
    passed = b""
    for size in sizes:
        passed += gate.feed(audio[:size])
        audio = audio[size:]
    assert passed + gate.feed(audio) == whole


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1])
def test_less_than_a_frame_waits(size: int) -> None:
    assert SilenceGate().feed(LOUD[:size]) == b""
