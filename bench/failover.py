"""What a healthy call pays for being ready to lose its recogniser: microseconds a frame of 20 ms."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator

from getpatter.audio.format import FRAME_BYTES, LINE, AudioFormat
from getpatter.stt.base import Recognition, SpeechHints, Transcript
from getpatter.stt.fallback import FallbackSTT

FRAMES = 100_000
ROUNDS = 7


class _Deaf:
    """A recogniser that costs nothing."""

    name = "deaf"

    def send(self, audio: bytes) -> None:
        pass

    def finalize(self) -> None:
        pass

    async def transcripts(self) -> AsyncIterator[Transcript]:
        await asyncio.Event().wait()
        yield Transcript("", final=True)

    async def close(self) -> None:
        pass


class _DeafSTT:
    name = "deaf"
    format: AudioFormat = LINE
    continuous = True

    async def open(self, hints: SpeechHints) -> Recognition:
        return _Deaf()

    async def close(self) -> None:
        pass


def _microseconds_a_frame(recognition: Recognition) -> float:
    frames = [bytes([i % 256]) * FRAME_BYTES for i in range(256)]
    began = time.perf_counter()
    for i in range(FRAMES):
        recognition.send(frames[i & 255])
    return (time.perf_counter() - began) / FRAMES * 1e6


async def main() -> None:
    bare = await _DeafSTT().open(SpeechHints())
    ready = await FallbackSTT(_DeafSTT()).open(SpeechHints())
    pairs = [(_microseconds_a_frame(bare), _microseconds_a_frame(ready)) for _ in range(ROUNDS)]
    alone, with_fallback = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"recogniser alone   {alone:.2f} µs a frame")
    print(f"with FallbackSTT   {with_fallback:.2f} µs a frame, {with_fallback - alone:.2f} more")
    await ready.close()


if __name__ == "__main__":
    asyncio.run(main())
