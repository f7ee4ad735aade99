from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from getpatter.conversation.caller_audio import CallerAudio


def frame(number: int) -> bytes:
    return bytes([number % 256]) * 160


@given(st.lists(st.binary(max_size=700), max_size=40))
def test_the_latest_audio_is_kept_however_it_came(pieces: list[bytes]) -> None:
    audio = CallerAudio(span_s=0.1)
    for piece in pieces:
        audio.append(piece)
    assert audio.latest() == b"".join(pieces)[-800:]


def test_a_long_call_keeps_eight_seconds() -> None:
    audio = CallerAudio()
    for number in range(50 * 60):
        audio.append(frame(number))
    assert audio.latest() == b"".join(frame(number) for number in range(50 * 52, 50 * 60))
    assert sys.getsizeof(audio._audio) < 2 * 64_000


def test_an_answered_turn_is_forgotten() -> None:
    audio = CallerAudio()
    audio.append(frame(1))
    audio.clear()
    audio.append(frame(2))
    assert audio.latest() == frame(2)
