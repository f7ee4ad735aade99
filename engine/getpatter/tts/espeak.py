"""eSpeak NG from the `espeakng-loader` package (the `local` extra).

eSpeak NG is licensed under the GPL, version 3 or later.  It is loaded in a process of its own that takes text and
gives audio (`tts.espeak_worker`); this process never links it.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import AsyncGenerator
from typing import ClassVar

import msgspec

from getpatter.audio.format import LINE, AudioFormat
from getpatter.connections.facts import Facts
from getpatter.downloads import not_installed
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.tts.base import SpeechChunk, Voice, WordTime
from getpatter.tts.cached import CachedVoice, SpeechCache
from getpatter.tts.espeak_wire import Speak, Spoken
from getpatter.worker import Worker

DEFAULT_VOICE = "en-us+klatt4"
"""The variant that speech recognisers understand best."""

_VOICE = re.compile(r"[A-Za-z0-9_-]+(\+[A-Za-z0-9_-]+)?")


class EspeakTTS:
    """One worker process for all calls: 7 ms for a second of speech (bench/local_speech.py)."""

    FACTS: ClassVar = Facts(
        vendor="this machine",
        transport="process",
        formats=("mulaw 8000",),
        features=("word times", "cancel"),
        tested_with="espeakng-loader",
    )

    def __init__(self, voice: str = DEFAULT_VOICE, rate_wpm: int = 160) -> None:
        """`voice` is a language of eSpeak NG with an optional variant, `rate_wpm` words a minute.

        Raises `ConfigurationError` where the package is missing and for a name that cannot be a voice's.
        """
        if not espeak_installed():
            raise not_installed("espeakng-loader", "local")
        if not _VOICE.fullmatch(voice):
            raise ConfigurationError(f"{voice!r} is no name of an eSpeak voice; write it like en-us+klatt4.")
        if not 80 <= rate_wpm <= 450:
            raise ConfigurationError(f"eSpeak speaks 80 to 450 words a minute, not {rate_wpm}.")
        self._voice = voice
        self._rate_wpm = rate_wpm
        self._cache = SpeechCache()
        self._worker = Worker("getpatter.tts.espeak_worker", name="espeak", replies=msgspec.msgpack.Decoder(Spoken))

    @property
    def name(self) -> str:
        return f"espeak {self._voice}"

    @property
    def format(self) -> AudioFormat:
        return LINE

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker while one runs."""
        return self._worker.pid

    async def open(self, language: str = "en-US") -> Voice:
        """Starts the worker where none runs, since that takes 0.2 s.

        Raises `ProviderError` when the voice is of another language.
        """
        spoken = re.split(r"[-+_]", self._voice)[0].lower()
        if language.lower().split("-")[0] != spoken:
            raise ProviderError(
                f"The voice {self._voice} does not speak {language}.",
                provider=self.name,
                next_step=f"Use EspeakTTS(voice={language.split('-')[0].lower()!r}).",
            )
        (await self._worker.open()).close()
        return CachedVoice(self.name, self._render, self._cache)

    async def close(self) -> None:
        await self._worker.close()

    async def _render(self, sentence: str) -> AsyncGenerator[SpeechChunk]:
        channel = await self._worker.open()
        try:
            channel.send(Speak(sentence, self._voice, self._rate_wpm))
            async for spoken in channel.replies():
                yield SpeechChunk(spoken.audio, tuple(WordTime(word, start_s) for word, start_s in spoken.words))
        finally:
            channel.close()


def espeak_installed() -> bool:
    return importlib.util.find_spec("espeakng_loader") is not None
