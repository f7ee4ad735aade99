from __future__ import annotations

import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from getpatter.audio import g711
from getpatter.audio.wav import MAX_DRIFT_S, StereoRecorder, patch_sizes, write_header

CALLER, AGENT = 0, 1
SILENT = 0
LONGEST_S = 0.3


def frame(value: int, seconds: float = 0.02) -> bytes:
    """µ-law whose every sample decodes to `loudness(value)`; value 1 to 100."""
    return bytes([value]) * round(8000 * seconds)


def loudness(value: int) -> int:
    return int(g711.MULAW_TO_PCM16[value])


def runs(pcm16: bytes, side: int) -> list[tuple[int, int]]:
    """(sample value, how many) of one channel."""
    samples: NDArray[np.int16] = np.frombuffer(pcm16, "<i2").reshape(-1, 2)[:, side]
    cuts = [0, *(np.flatnonzero(np.diff(samples)) + 1).tolist(), len(samples)]
    return [(int(samples[start]), end - start) for start, end in pairwise(cuts) if end > start]


def test_both_sides_stand_on_one_timeline() -> None:
    recorder = StereoRecorder()
    recorder.caller(frame(1), 0.1)
    recorder.agent(frame(2), 0.2)
    audio = recorder.take(0.3)
    assert runs(audio, CALLER) == [(SILENT, 800), (loudness(1), 160), (SILENT, 1440)]
    assert runs(audio, AGENT) == [(SILENT, 1600), (loudness(2), 160), (SILENT, 640)]


def test_jitter_leaves_neither_gaps_nor_cuts() -> None:
    recorder = StereoRecorder()
    for number, jitter in enumerate([0.0, 0.03, -0.02, 0.055, 0.01]):
        recorder.caller(frame(number + 1), 0.02 * number + jitter)
    assert runs(recorder.take(0.1), CALLER) == [(loudness(number), 160) for number in (1, 2, 3, 4, 5)]


def test_a_pause_becomes_silence() -> None:
    recorder = StereoRecorder()
    recorder.caller(frame(1), 0.0)
    recorder.caller(frame(2), 1.0)
    assert runs(recorder.take(1.02), CALLER) == [(loudness(1), 160), (SILENT, 7840), (loudness(2), 160)]


def test_too_much_audio_for_its_time_loses_the_overlap() -> None:
    recorder = StereoRecorder()
    recorder.caller(frame(1, seconds=0.2), 0.0)
    recorder.caller(frame(2, seconds=0.2), 0.1)
    recorder.caller(frame(3), 0.1)
    assert runs(recorder.take(1.0), CALLER) == [(loudness(1), 1600), (loudness(2), 800), (SILENT, 5600)]


def test_a_burst_after_a_stall_fills_the_gap_that_the_stall_left() -> None:
    recorder = StereoRecorder()
    recorder.caller(frame(1), 0.0)
    for number in range(2, 14):
        recorder.caller(frame(number), 0.26)
    heard = runs(recorder.take(0.4), CALLER)
    assert [run for run in heard if run[0] != SILENT] == [(loudness(number), 160) for number in range(1, 14)]


def test_a_gap_that_was_taken_stays() -> None:
    recorder = StereoRecorder()
    recorder.caller(frame(1), 0.2)
    assert runs(recorder.take(0.15), CALLER) == [(SILENT, 1200)]
    recorder.caller(frame(2, seconds=0.1), 0.2)
    recorder.caller(frame(3, seconds=0.1), 0.2)  # 0.12 s ahead, of which the gap holds 0.05
    expected = [(loudness(1), 160), (loudness(2), 800), (loudness(3), 240), (SILENT, 400)]
    assert runs(recorder.take(0.35), CALLER) == expected


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 100), st.floats(0, 0.3), st.floats(0.001, LONGEST_S), st.booleans()), max_size=40
    ),
    st.floats(0, 0.5),
)
def test_audio_ends_near_its_time_or_was_dropped_for_longer_audio(
    frames: list[tuple[int, float, float, bool]], settled_s: float
) -> None:
    recorder = StereoRecorder()
    now = 0.0
    taken = 0
    for value, step, seconds, take in frames:
        now += step
        audio = frame(value, seconds)
        recorder.caller(audio, now)
        late = recorder._caller.end - (round(now * 8000) + len(audio))
        assert -MAX_DRIFT_S * 8000 <= late <= (MAX_DRIFT_S + LONGEST_S) * 8000
        if take:
            taken += len(recorder.take(max(0.0, now - settled_s)))
    taken += len(recorder.take(now + 1))
    assert taken == 4 * round((now + 1) * 8000)


def test_what_a_clear_dropped_was_not_heard() -> None:
    recorder = StereoRecorder()
    recorder.agent(frame(1, seconds=1.0), 0.0)
    recorder.cut_agent(0.4)
    recorder.agent(frame(2), 0.5)
    expected = [(loudness(1), 3200), (SILENT, 800), (loudness(2), 160), (SILENT, 3840)]
    assert runs(recorder.take(1.0), AGENT) == expected


def test_a_cut_does_not_reach_what_was_taken() -> None:
    recorder = StereoRecorder()
    recorder.agent(frame(1, seconds=1.0), 0.0)
    assert runs(recorder.take(0.5), AGENT) == [(loudness(1), 4000)]
    recorder.cut_agent(0.4)
    assert runs(recorder.take(1.0), AGENT) == [(SILENT, 4000)]


def test_takes_join_without_a_seam() -> None:
    whole, parts = StereoRecorder(), StereoRecorder()
    for recorder in (whole, parts):
        recorder.caller(frame(1, seconds=0.7), 0.1)
        recorder.agent(frame(2, seconds=0.3), 0.5)
    taken = [parts.take(until) for until in (0.0, 0.33, 0.33, 0.2, 0.61, 1.0)]
    assert b"".join(taken) == whole.take(1.0)


def test_memory_holds_only_what_was_not_taken() -> None:
    recorder = StereoRecorder()
    for number in range(500):
        recorder.caller(frame(1), 0.02 * number)
        recorder.take(0.02 * number)
        assert len(recorder._caller.audio) <= 160


def read(path: Path) -> tuple[int, int, bytes]:
    with wave.open(str(path)) as file:
        assert (file.getsampwidth(), file.getcomptype()) == (2, "NONE")
        return file.getnchannels(), file.getframerate(), file.readframes(file.getnframes())


def test_the_file_is_valid_after_every_write(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    recorder = StereoRecorder()
    written = b""
    with path.open("wb") as file:
        write_header(file)
        file.flush()
        assert read(path) == (2, 8000, b"")
        for second in range(1, 4):
            recorder.caller(frame(second, seconds=1.0), second - 1.0)
            audio = recorder.take(float(second))
            file.write(audio)
            file.flush()
            assert read(path) == (2, 8000, written)  # until the sizes are patched, what was there before
            patch_sizes(file)
            written += audio
            assert read(path) == (2, 8000, written)


def test_a_track_of_real_length_fits_the_header(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with path.open("wb") as file:
        write_header(file)
        file.truncate(44 + 4 * 8000 * 14400)  # four hours, a hole on disk
        patch_sizes(file)
    with wave.open(str(path)) as recorded:
        assert recorded.getnframes() == 8000 * 14400


def test_times_before_the_beginning_count_from_it() -> None:
    recorder = StereoRecorder()
    recorder.caller(frame(1), -0.01)
    assert runs(recorder.take(0.02), CALLER) == [(loudness(1), 160)]
