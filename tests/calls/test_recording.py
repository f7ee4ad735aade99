"""Recordings of live calls on disk."""

from __future__ import annotations

import asyncio
import stat
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from getpatter.audio.g711 import encode
from getpatter.calls.recording import FLUSH_S, SETTLED_S, Recorder
from getpatter.testing.clock import ManualClock

SECOND_OF_CALLER = encode(np.full(8000, 8000, "<i2").tobytes())
SECOND_OF_AGENT = encode(np.full(8000, -8000, "<i2").tobytes())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def recorder(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Recorder]:
    recorder = Recorder(tmp_path / "recordings", clock)
    recorder.start()
    await asyncio.sleep(0)  # until it waits for its clock
    yield recorder
    await recorder.stop()


def sides(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    """Samples [time, side] of a recording: the caller's and the agent's."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


def told_size(path: Path) -> int:
    """Samples that the file's header tells of, which is written after them."""
    return len(sides(path)) if path.exists() and path.stat().st_size > 44 else 0


async def test_the_caller_is_left_and_the_agent_right(recorder: Recorder, clock: ManualClock) -> None:
    recording = recorder.open("call_1")
    recording.caller(SECOND_OF_CALLER, 0.0)
    recording.agent(SECOND_OF_AGENT, 1.0)
    clock.advance(2.0)
    kept = await recording.close()
    left, right = sides(kept.path).T
    assert left[4000] > 7000 > left[12000] == 0
    assert right[12000] < -7000 < right[4000] == 0
    assert kept.duration_s == 2.0
    assert kept.bytes == kept.path.stat().st_size


async def test_only_its_owner_can_read_it(recorder: Recorder, clock: ManualClock) -> None:
    recording = recorder.open("call_1")
    clock.advance(0.1)
    kept = await recording.close()
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700


async def test_the_file_is_whole_after_every_second(recorder: Recorder, clock: ManualClock) -> None:
    recording = recorder.open("call_1")
    recording.caller(SECOND_OF_CALLER, 0.0)
    clock.advance(FLUSH_S + SETTLED_S)
    async with asyncio.timeout(30):
        while not told_size(recording.path):  # noqa: ASYNC110 -- a file tells nobody
            await asyncio.sleep(0)
    assert len(sides(recording.path)) == pytest.approx(8000, abs=8000 * SETTLED_S)


async def test_what_was_cleared_was_not_said(recorder: Recorder, clock: ManualClock) -> None:
    recording = recorder.open("call_1")
    recording.agent(SECOND_OF_AGENT, 0.0)
    recording.cut_agent(0.5)
    clock.advance(1.0)
    kept = await recording.close()
    right = sides(kept.path)[:, 1]
    assert right[3900] < -7000
    assert right[4100] == 0


async def test_a_recorder_that_stops_finishes_what_is_open(tmp_path: Path, clock: ManualClock) -> None:
    recorder = Recorder(tmp_path, clock)
    recorder.start()
    recording = recorder.open("call_1")
    recording.caller(SECOND_OF_CALLER, 0.0)
    clock.advance(1.0)
    await recorder.stop()
    assert len(sides(recording.path)) == 8000


async def test_a_folder_that_cannot_be_written_is_told(recorder: Recorder, clock: ManualClock, tmp_path: Path) -> None:
    recording = recorder.open("call_1")
    recording.path.mkdir()
    clock.advance(0.1)
    with pytest.raises(OSError, match="exists"):
        await recording.close()
