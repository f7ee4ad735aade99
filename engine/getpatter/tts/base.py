"""What a voice is to the conversation.  Provider and per-call object divide as in `stt.base`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from getpatter.audio.format import AudioFormat


@dataclass(frozen=True, slots=True)
class WordTime:
    """`word` begins at `start_s` seconds after the first audio of its sentence."""

    word: str
    start_s: float


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """Audio in the provider's format, and the times of the words in it where the provider tells."""

    audio: bytes
    words: tuple[WordTime, ...] = ()


class Voice(Protocol):
    """One call's voice."""

    def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        """Speak one sentence.  Closing the iterator stops the work (and the bill).  Raises `ProviderError`."""

    async def close(self) -> None:
        """Let go of everything.  May be called twice."""


class TextToSpeech(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def format(self) -> AudioFormat:
        """What `SpeechChunk.audio` holds."""

    async def open(self, language: str = "en-US") -> Voice:
        """Start for one call; raises `ProviderError`."""

    async def close(self) -> None:
        """Let go of what calls shared."""
