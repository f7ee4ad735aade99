"""Recordings of live calls, written to disk once a second, off the event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from getpatter.audio.format import LINE
from getpatter.audio.wav import FRAME_BYTES, StereoRecorder, patch_sizes, write_header
from getpatter.clock import Clock

log = logging.getLogger(__name__)

FLUSH_S = 1.0
SETTLED_S = 0.5
"""Audio this old is final: jitter has settled, and a `clear` reaches back only as far as the playout's lead."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished recording."""

    path: Path
    duration_s: float
    bytes: int


class Recording:
    """One call's recording; times are seconds since it was opened."""

    def __init__(self, path: Path, recorder: Recorder, began: float) -> None:
        self.path = path
        self.began = began
        self._tracks = StereoRecorder()
        self._recorder = recorder
        self._file: BinaryIO | None = None
        self._written = 0
        self.caller = self._tracks.caller
        self.agent = self._tracks.agent
        self.cut_agent = self._tracks.cut_agent

    async def close(self) -> Kept:
        """Write the rest."""
        return await self._recorder.finish(self)

    def take(self, until_s: float) -> bytes:
        return self._tracks.take(until_s)

    def write(self, frames: bytes) -> None:
        """In the writer's thread.  The file is a whole WAV after every call."""
        if self._file is None:
            self._file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
            write_header(self._file)
        self._file.write(frames)
        patch_sizes(self._file)
        self._written += len(frames)

    def finish(self, frames: bytes) -> Kept:
        """In the writer's thread, last."""
        self.write(frames)
        assert self._file is not None
        size = self._file.tell()
        self._file.close()
        return Kept(self.path, self._written / FRAME_BYTES / LINE.rate, size)


class Recorder:
    """Writes all recordings of the process, in one thread and one pass a second."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._open: dict[Path, Recording] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._task = asyncio.create_task(self._flush_forever(), name="recorder")

    async def stop(self) -> None:
        """Finish what is still open."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for recording in list(self._open.values()):
            await self.finish(recording)
        self._thread.shutdown()

    def open(self, call_id: str) -> Recording:
        day = time.strftime("%Y-%m-%d", time.gmtime(self._clock.wall()))
        recording = Recording(self._folder / f"{day}-{call_id}.wav", self, self._clock.now())
        self._open[recording.path] = recording
        return recording

    async def finish(self, recording: Recording) -> Kept:
        self._open.pop(recording.path, None)
        frames = recording.take(self._clock.now() - recording.began)
        return await asyncio.get_running_loop().run_in_executor(self._thread, recording.finish, frames)

    async def _flush_forever(self) -> None:
        tick = asyncio.Event()
        while True:
            tick.clear()
            self._clock.call_at(self._clock.now() + FLUSH_S, tick.set)
            await tick.wait()
            now = self._clock.now()
            taken = [(r, r.take(max(0.0, now - r.began - SETTLED_S))) for r in self._open.values()]
            if taken:
                await asyncio.get_running_loop().run_in_executor(self._thread, _write_all, taken)


def _write_all(taken: list[tuple[Recording, bytes]]) -> None:
    for recording, frames in taken:
        try:
            recording.write(frames)
        except OSError:
            log.exception("could not write %s", recording.path)
