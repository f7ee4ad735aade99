from __future__ import annotations

import io
import struct
import wave

import pytest

from getpatter.audio.wav_header import MAX_HEADER, HeaderlessWav, sound_at

SOUND = bytes(range(256)) * 2


def pcm() -> bytes:
    """As the standard library writes it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(SOUND)
    return file.getvalue()


def mulaw() -> bytes:
    """With a longer `fmt `, a chunk of odd length and a length that a stream cannot know."""
    chunks = (
        struct.pack("<4sIHHIIHHH", b"fmt ", 18, 7, 1, 8000, 8000, 1, 8, 0) + b"note" + struct.pack("<I", 3) + b"abc\0"
    )
    return struct.pack("<4sI4s", b"RIFF", 0xFFFFFFFF, b"WAVE") + chunks + b"data" + b"\xff" * 4 + SOUND


@pytest.mark.parametrize("file", [pcm(), mulaw()])
@pytest.mark.parametrize("size", [1, 7, 44, 10_000])
def test_a_header_is_taken_off_however_it_is_cut(file: bytes, size: int) -> None:
    stream = HeaderlessWav()
    assert b"".join(stream.feed(file[at : at + size]) for at in range(0, len(file), size)) == SOUND


@pytest.mark.parametrize("sound", [SOUND, b"\xff", b"RI\xff", b"RIFF\0\0\0\0WEVE" + SOUND])
def test_what_has_no_header_passes_as_it_is(sound: bytes) -> None:
    stream = HeaderlessWav()
    assert stream.feed(sound) + stream.feed(SOUND) == sound + SOUND


def test_what_might_become_a_header_is_waited_for() -> None:
    assert sound_at(b"") is None
    assert sound_at(b"RIF") is None
    assert sound_at(pcm()[:43]) is None
    assert sound_at(pcm()[:44]) == 44


def test_a_later_header_is_sound() -> None:
    stream = HeaderlessWav()
    assert stream.feed(pcm()) + stream.feed(pcm()) == SOUND + pcm()


def test_a_header_has_an_end() -> None:
    head = struct.pack("<4sI4s", b"RIFF", 0, b"WAVE") + b"fmt " + struct.pack("<I", 2**31)
    stream = HeaderlessWav()
    assert stream.feed(head) == b""
    with pytest.raises(ValueError, match="header of more than"):
        stream.feed(b"\0" * MAX_HEADER)
