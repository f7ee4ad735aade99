"""A recognition whose work is done in a worker process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from getpatter.audio.format import AudioFormat
from getpatter.errors import ProviderError
from getpatter.stt.base import Transcript
from getpatter.stt.worker_wire import MAX_BACKLOG_S, Audio, Failed, Finalize, Heard, Ready, Reply
from getpatter.worker import Channel

SEND_S = 0.1
"""Audio is collected to this much before it goes to the worker: a pipe write for every frame would cost more."""
LOAD_TIMEOUT_S = 120.0
"""The largest models are read from a slow disk in less."""


class WorkerRecognition:
    """One call.  `begin` it before anything else."""

    def __init__(self, channel: Channel[Reply], name: str, audio: AudioFormat) -> None:
        """`name` tells people what its transcripts are worth."""
        self.name = name
        self._channel = channel
        self._replies = channel.replies()
        self._unsent = bytearray()
        self._send_bytes = int(SEND_S * audio.bytes_per_second)
        self._max_bytes = int(MAX_BACKLOG_S * audio.bytes_per_second)

    async def begin(self, request: msgspec.Struct, provider: str) -> None:
        """Load the model, as the worker's own `Begin` says; raises `ProviderError`, and is closed then."""
        try:
            async with asyncio.timeout(LOAD_TIMEOUT_S):
                await self._begin(request, provider)
        except TimeoutError:
            await self.close()
            raise ProviderError(f"The model was not loaded within {LOAD_TIMEOUT_S:.0f} s.", provider=provider) from None
        except BaseException:
            await self.close()
            raise

    async def _begin(self, request: msgspec.Struct, provider: str) -> None:
        self._channel.send(request)
        async for reply in self._replies:
            match reply:
                case Ready():
                    return
                case Failed(text=text, next_step=next_step):
                    raise ProviderError(text, provider=provider, next_step=next_step or None)
        raise ProviderError("The recogniser was closed while it started.", provider=provider)

    def send(self, audio: bytes) -> None:
        self._unsent += audio[-self._max_bytes :]
        if len(self._unsent) >= self._send_bytes:
            self._flush()

    def finalize(self) -> None:
        self._flush()
        self._channel.send(Finalize())

    async def transcripts(self) -> AsyncIterator[Transcript]:
        async for reply in self._replies:
            if isinstance(reply, Heard):
                yield Transcript(reply.text, reply.final, confidence=reply.confidence, from_finalize=reply.final)

    async def close(self) -> None:
        self._channel.close()

    def _flush(self) -> None:
        if self._unsent:
            self._channel.send(Audio(bytes(self._unsent)))
            self._unsent.clear()
