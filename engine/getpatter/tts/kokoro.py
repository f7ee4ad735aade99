"""Kokoro (the `kokoro` extra): natural voices from a model that a plain processor can keep up with.

The model takes its pronunciation from eSpeak NG, which is licensed under the GPL, version 3 or later.  Both live in a
process of their own that takes text and gives audio (`tts.kokoro_worker`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial
from pathlib import Path
from typing import ClassVar

import msgspec

from getpatter.audio.format import AudioFormat
from getpatter.connections.facts import Facts
from getpatter.downloads import not_installed
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.tts.base import SpeechChunk, Voice
from getpatter.tts.cached import CachedVoice, SpeechCache
from getpatter.tts.kokoro_files import NAME, kokoro_installed
from getpatter.tts.kokoro_voices import default_voice, tongue_of
from getpatter.tts.kokoro_wire import Failed, Model, Prepare, Reply, Speak, Spoken
from getpatter.worker import Channel, Worker, spare_threads

FORMAT = AudioFormat("pcm16", 24000)
CACHE_BYTES = 24_000_000
"""500 seconds."""
LOAD_TIMEOUT_S = 60.0
STALL_S = 30.0
"""Longest wait for the next part of a sentence, of this call and of those before it."""


class KokoroTTS:
    """One worker process for all calls, which takes turns between their sentences, a clause each."""

    FACTS: ClassVar = Facts(
        vendor=NAME,
        transport="process",
        formats=("pcm16 24000",),
        models=("v1.0",),
        features=("seven languages", "speed", "cancel"),
        tested_with="kokoro-onnx",
    )

    def __init__(
        self,
        voice: str = "",
        *,
        voice_id: str = "",
        speed: float = 1.0,
        threads: int | None = None,
        folder: Path | None = None,
    ) -> None:
        """`voice`, or `voice_id`, is a name such as `af_heart`; empty, each call gets a voice of its language.

        `speed` is 0.5 to 2.  `threads` is by default half of the machine's, since calls need the rest.  `folder` has
        the model and the voices, where they are not in the cache.  Raises `ConfigurationError` for what cannot be a
        voice or a speed, and where the package is missing.
        """
        if not kokoro_installed():
            raise not_installed("kokoro-onnx", "kokoro")
        if voice and voice_id and voice != voice_id:
            raise ConfigurationError(f"Two voices were given: {voice} and {voice_id}.")
        if not 0.5 <= speed <= 2.0:
            raise ConfigurationError(f"Kokoro speaks at a speed of 0.5 to 2, not {speed:g}.")
        self._voice = voice or voice_id
        if self._voice:
            tongue_of(self._voice)
        self._speed = speed
        self._model = Model(str(folder or ""), threads or spare_threads())
        self._caches: dict[str, SpeechCache] = {}
        replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
        self._worker = Worker("getpatter.tts.kokoro_worker", name=NAME, replies=replies)

    @property
    def name(self) -> str:
        return f"{NAME} {self._voice}".strip()

    @property
    def format(self) -> AudioFormat:
        return FORMAT

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker while one runs."""
        return self._worker.pid

    async def open(self, language: str = "en-US") -> Voice:
        """Returns when the model is loaded, which the first call waits for.

        Raises `ProviderError` where it is not on this machine, has no such voice or the voice is of another language.
        """
        voice = self._voice_of(language)
        channel = await self._worker.open()
        try:
            channel.send(Prepare(self._model, voice))
            async with asyncio.timeout(LOAD_TIMEOUT_S):
                await self._ready(channel)
        except TimeoutError:
            late = f"The model was not loaded within {LOAD_TIMEOUT_S:.0f} s."
            raise ProviderError(late, provider=self.name, retryable=True) from None
        finally:
            channel.close()
        cache = self._caches.setdefault(voice, SpeechCache(CACHE_BYTES))
        return CachedVoice(self.name, partial(self._render, voice), cache)

    async def close(self) -> None:
        await self._worker.close()

    def _voice_of(self, language: str) -> str:
        try:
            voice = self._voice or default_voice(language)
        except ConfigurationError as error:
            raise ProviderError(error.message, provider=self.name, next_step=error.next_step) from None
        spoken = tongue_of(voice).language
        if spoken.split("-")[0] != language.lower().split("-")[0]:
            raise ProviderError(
                f"The voice {voice} does not speak {language}.",
                provider=self.name,
                next_step="Leave the voice out to have one of the call's language.",
            )
        return voice

    async def _ready(self, channel: Channel[Reply]) -> None:
        async for reply in channel.replies():
            if isinstance(reply, Failed):
                raise ProviderError(reply.text, provider=self.name, next_step=reply.next_step or None)
            return

    async def _render(self, voice: str, sentence: str) -> AsyncGenerator[SpeechChunk]:
        channel = await self._worker.open()
        try:
            channel.send(Speak(self._model, sentence, voice, tongue_of(voice).phonemes, self._speed))
            replies = channel.replies()
            while (reply := await self._next(replies)) is not None:
                if isinstance(reply, Spoken):
                    yield SpeechChunk(reply.audio)
        finally:
            channel.close()

    async def _next(self, replies: AsyncIterator[Reply]) -> Reply | None:
        try:
            async with asyncio.timeout(STALL_S):
                return await anext(replies, None)
        except TimeoutError:
            late = f"Kokoro gave no sound for {STALL_S:.0f} s."
            raise ProviderError(late, provider=self.name, retryable=True) from None
