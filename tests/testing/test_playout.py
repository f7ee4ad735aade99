from __future__ import annotations

import pytest

from getpatter.audio.format import FRAME_BYTES, SILENCE
from getpatter.testing.playout import PlayoutBuffer

FRAME = bytes(FRAME_BYTES)
SILENT_FRAME = bytes([SILENCE]) * FRAME_BYTES


def played(buffer: PlayoutBuffer, frames: int) -> list[str]:
    """The marks that come back within so many frames."""
    return [mark for _ in range(frames) for mark in buffer.tick()[1]]


def test_one_frame_a_tick_and_silence_when_there_is_none() -> None:
    buffer = PlayoutBuffer()
    buffer.play(b"a" * FRAME_BYTES + b"b" * 10)
    assert buffer.tick()[0] == b"a" * FRAME_BYTES
    assert buffer.tick()[0] == b"b" * 10 + bytes([SILENCE]) * (FRAME_BYTES - 10)
    assert buffer.tick()[0] == SILENT_FRAME
    assert buffer.queued_bytes == 0


def test_a_mark_comes_back_when_the_audio_before_it_was_played() -> None:
    buffer = PlayoutBuffer()
    buffer.play(FRAME * 3)
    assert buffer.mark("m") == []
    buffer.play(FRAME)
    assert played(buffer, 2) == []
    assert played(buffer, 1) == ["m"]


def test_a_mark_behind_nothing_comes_back_at_once() -> None:
    assert PlayoutBuffer().mark("m") == ["m"]


def test_clear_drops_the_audio_and_returns_all_marks_in_order() -> None:
    buffer = PlayoutBuffer()
    for name in ("one", "two"):
        buffer.play(FRAME * 5)
        buffer.mark(name)
    assert buffer.clear() == ["one", "two"]
    assert buffer.tick()[0] == SILENT_FRAME
    assert buffer.mark("after") == ["after"]


def test_audio_after_a_clear_is_played() -> None:
    buffer = PlayoutBuffer()
    buffer.play(FRAME * 5)
    buffer.clear()
    buffer.play(b"n" * FRAME_BYTES)
    buffer.mark("new")
    assert buffer.tick() == (b"n" * FRAME_BYTES, ["new"])


@pytest.mark.parametrize(("dry_frames", "underruns"), [(0, 0), (1, 1), (10, 1), (11, 0)])
def test_a_short_gap_is_an_underrun_and_a_long_one_a_pause(dry_frames: int, underruns: int) -> None:
    buffer = PlayoutBuffer()
    buffer.play(FRAME)
    played(buffer, 1 + dry_frames)
    buffer.play(FRAME)
    assert buffer.underruns == underruns
    assert buffer.gap_frames == dry_frames * underruns


def test_silence_before_the_first_audio_and_after_a_clear_is_no_underrun() -> None:
    buffer = PlayoutBuffer()
    played(buffer, 2)
    buffer.play(FRAME * 3)
    played(buffer, 1)
    buffer.clear()
    played(buffer, 2)
    buffer.play(FRAME)
    assert buffer.underruns == 0
