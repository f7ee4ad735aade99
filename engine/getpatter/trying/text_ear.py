"""A recogniser that is told words instead of sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from getpatter.audio.format import LINE, AudioFormat
from getpatter.stt.base import SpeechHints, Transcript


class TextRecognition:
    """Understands each word as it is told it, as streaming recognisers do; a `Recognition`."""

    name = "typed words"

    def __init__(self) -> None:
        self._words: list[str] = []
        self._out: asyncio.Queue[Transcript | None] = asyncio.Queue()

    def tell(self, word: str) -> None:
        """The next word of the caller."""
        self._words.append(word)
        self._out.put_nowait(Transcript(" ".join(self._words), final=False))

    def send(self, audio: bytes) -> None:
        """Sound says nothing here."""

    def finalize(self) -> None:
        text = " ".join(self._words)
        self._words.clear()
        self._out.put_nowait(Transcript(text, final=True, from_finalize=True))

    async def transcripts(self) -> AsyncIterator[Transcript]:
        while (transcript := await self._out.get()) is not None:
            yield transcript

    async def close(self) -> None:
        self._out.put_nowait(None)


class TextEar:
    """For one conversation at a time: `recognition` is the one opened last.  A `SpeechToText`."""

    name = TextRecognition.name
    format: AudioFormat = LINE
    continuous = True

    def __init__(self) -> None:
        self.recognition: TextRecognition | None = None

    async def open(self, hints: SpeechHints) -> TextRecognition:
        self.recognition = TextRecognition()
        return self.recognition

    async def close(self) -> None:
        """There is nothing to let go of."""
