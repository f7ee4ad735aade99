"""How long a WAV file is."""

from __future__ import annotations

import contextlib
import io
import struct
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.audio.wav_length import duration_s

MULAW = 7


def mulaw(seconds: float, *, told: int | None = None, between: bytes = b"") -> bytes:
    """A mono µ-law file at 8 kHz, whose header tells `told` bytes of sound."""
    sound = bytes(round(seconds * 8000))
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, MULAW, 1, 8000, 8000, 1, 8, 0)
    data = struct.pack("<4sI", b"data", len(sound) if told is None else told) + sound
    return b"RIFF" + struct.pack("<I", 4 + len(form) + len(between) + len(data)) + b"WAVE" + form + between + data


def test_linear_sound() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(2)
        written.setsampwidth(2)
        written.setframerate(8000)
        written.writeframes(bytes(4 * 12_000))
    assert duration_s(file) == 1.5


def test_compressed_sound() -> None:
    assert duration_s(io.BytesIO(mulaw(2.25))) == 2.25


def test_chunks_of_other_kinds_are_passed_over() -> None:
    listing = b"LIST" + struct.pack("<I", 5) + b"hello\0"
    assert duration_s(io.BytesIO(mulaw(1.0, between=listing))) == 1.0


@pytest.mark.parametrize("told", [0, 0xFFFFFFFF])
def test_sound_of_untold_length_lasts_to_the_end(told: int) -> None:
    assert duration_s(io.BytesIO(mulaw(1.0, told=told))) == 1.0


@pytest.mark.parametrize("data", [b"", b"ID3\x04", b"<html></html>", mulaw(1.0)[:30], mulaw(1.0)[:12]])
def test_what_is_no_wav_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match="it "):
        duration_s(io.BytesIO(data))


@given(st.binary(max_size=100).map(lambda tail: b"RIFF\0\0\0\0WAVE" + tail) | st.binary(max_size=100))
def test_garbage_has_a_length_or_none(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert duration_s(io.BytesIO(data)) >= 0
