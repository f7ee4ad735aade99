"""A recogniser that hears the caller through the hook before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from getpatter.audio import g711
from getpatter.audio.format import AudioFormat
from getpatter.hooks import HookRunner
from getpatter.metering import Used, used_by
from getpatter.stt.base import Recognition, Transcript

MAX_BEHIND_S = 2.0
"""A hook that is so far behind the caller is done without."""


class HookedRecognition:
    """A `Recognition`.  Hooks may wait, so audio queues for them; calls without this hook do without the queue."""

    def __init__(self, recognition: Recognition, audio_format: AudioFormat, hooks: HookRunner) -> None:
        self._recognition = recognition
        self._mulaw = audio_format.encoding == "mulaw"
        self._hooks = hooks
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._behind = 0
        """Bytes in the queue."""
        self._most_behind = int(MAX_BEHIND_S * audio_format.bytes_per_second)
        self._task = asyncio.create_task(self._pass_on())

    @property
    def name(self) -> str:
        return self._recognition.name

    @property
    def used(self) -> tuple[Used, ...]:
        return used_by(self._recognition)

    def send(self, audio: bytes) -> None:
        self._behind += len(audio)
        if self._behind > self._most_behind:
            self._hooks.give_up_before_send_to_stt()
        self._queue.put_nowait(audio)

    def finalize(self) -> None:
        self._queue.put_nowait(None)

    def transcripts(self) -> AsyncIterator[Transcript]:
        return self._recognition.transcripts()

    async def close(self) -> None:
        """Let go of the hook; the recognition behind it is closed by who opened it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _pass_on(self) -> None:
        while True:
            audio = await self._queue.get()
            if audio is None:
                self._recognition.finalize()
                continue
            self._behind -= len(audio)
            pcm = await self._hooks.before_send_to_stt(g711.decode(audio) if self._mulaw else audio)
            if pcm:
                self._recognition.send(g711.encode(pcm) if self._mulaw else pcm)
