"""CMU Flite, where the system has its binary (`apt install flite`; BSD-style licence)."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import unicodedata
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import ClassVar

from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.connections.facts import Facts
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.tts.base import SpeechChunk, Voice
from getpatter.tts.cached import CachedVoice, SpeechCache, chunks

VOICES = ("awb", "kal", "kal16", "rms", "slt")
"""What Debian's flite 2.2 has built in (`flite -lv`).  Other names would make flite look for files and URLs."""
RENDER_TIMEOUT_S = 30.0
"""The longest sentence that we take needs about 7 s of CPU."""


class FliteTTS:
    """A process a sentence: 20 ms for a second of speech (bench/local_speech.py).  English only."""

    FACTS: ClassVar = Facts(
        vendor="this machine", transport="process", formats=("mulaw 8000",), features=("cancel",), tested_with=""
    )

    def __init__(self, voice: str = "rms") -> None:
        """Raises `ConfigurationError` for an unknown voice and where there is no flite."""
        if voice not in VOICES:
            raise ConfigurationError(f"Flite has no voice {voice!r}; it has {', '.join(VOICES)}.")
        binary = find_flite()
        if binary is None:
            raise ConfigurationError(
                "The program flite is not installed.",
                next_step="Install it (Debian, Ubuntu: apt install flite), or use EspeakTTS.",
            )
        self._binary = binary
        self._voice = voice
        self._cache = SpeechCache()

    @property
    def name(self) -> str:
        return f"flite {self._voice}"

    def with_voice(self, voice: str) -> FliteTTS:
        """The same with another voice; raises `ConfigurationError`."""
        return FliteTTS(voice)

    @property
    def format(self) -> AudioFormat:
        return LINE

    async def open(self, language: str = "en-US") -> Voice:
        """Raises `ProviderError` for any language but English."""
        if not language.lower().startswith("en"):
            raise ProviderError(
                f"Flite speaks English only, not {language}.",
                provider=self.name,
                next_step="Use EspeakTTS with a voice of that language.",
            )
        return CachedVoice(self.name, self._render, self._cache)

    async def close(self) -> None:
        """Every sentence ends its own process, so nothing is left to close."""

    async def _render(self, sentence: str) -> AsyncGenerator[SpeechChunk]:
        # The text goes by a file: arguments of a process are public on its machine, calls are not.  The audio comes
        # by a file since flite goes back in its output to complete the header.
        with tempfile.TemporaryDirectory(prefix="patter-flite-") as folder:
            text, sound = Path(folder, "text"), Path(folder, "sound.wav")
            _write_text(text, sentence)
            await self._run(text, sound)
            audio = _line_audio(sound, self.name)
        for chunk in chunks(audio):
            yield chunk

    async def _run(self, text: Path, sound: Path) -> None:
        devnull = asyncio.subprocess.DEVNULL
        arguments = ("-voice", self._voice, "-f", str(text), "-o", str(sound))
        try:
            process = await asyncio.create_subprocess_exec(
                self._binary, *arguments, stdin=devnull, stdout=devnull, stderr=devnull
            )
        except OSError as fault:
            raise ProviderError(f"Flite cannot be started: {fault}.", provider=self.name) from fault
        try:
            async with asyncio.timeout(RENDER_TIMEOUT_S):
                code = await process.wait()
        except TimeoutError:
            raise ProviderError(
                f"Flite did not finish a sentence in {RENDER_TIMEOUT_S:.0f} s.", provider=self.name, retryable=True
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code != 0:
            raise ProviderError(f"Flite ended with code {code}.", provider=self.name, retryable=True)


def find_flite() -> str | None:
    """Path of the flite program."""
    return shutil.which("flite")


def _write_text(path: Path, sentence: str) -> None:
    # Flite reads bytes as Latin letters one by one, so that é would be spoken as two signs.
    typewriter = sentence.translate(str.maketrans("‘’“”–—", "''\"\",,"))
    # And it forgets a sentence of one word at the end of a file that does not end in a line feed.
    path.write_bytes(unicodedata.normalize("NFKD", typewriter).encode("ascii", "ignore") + b"\n")


def _line_audio(path: Path, provider: str) -> bytes:
    try:
        with wave.open(str(path)) as sound:
            transcoder = Transcoder(AudioFormat("pcm16", sound.getframerate()), LINE)
            return transcoder.feed(sound.readframes(sound.getnframes())) + transcoder.flush()
    except (OSError, EOFError, wave.Error) as fault:
        raise ProviderError(f"Flite left no audio that can be read: {fault}.", provider=provider) from fault
