"""Providers that fail as real ones do: they refuse, hang, are lost in the middle, and are well again after a while.

Each use of a provider takes the next of its faults; when there are none left it works.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from getpatter.audio.format import LINE, AudioFormat
from getpatter.errors import ProviderError
from getpatter.llm.base import LanguageModel, Message, ReplyPart, ToolSpec
from getpatter.stt.base import HeardWord, SpeechHints, Transcript
from getpatter.tts.base import SpeechChunk, TextToSpeech, Voice

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`after` items of a stream (0: none) it `hangs`, or fails with `message`."""

    after: int = 0
    hangs: bool = False
    message: str = "The connection was lost."
    retryable: bool = True

    async def happen(self, provider: str) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        raise ProviderError(self.message, provider=provider, retryable=self.retryable)


REFUSES = Fault(message="The server is overloaded.")
HANGS = Fault(hangs=True)


class Faults:
    """What goes wrong with one use after the other; None for a use that works."""

    def __init__(self, faults: Iterable[Fault | None], provider: str) -> None:
        self._left = deque(faults)
        self._provider = provider

    def add(self, *faults: Fault | None) -> None:
        self._left.extend(faults)

    async def opening(self) -> None:
        """A use that is no stream."""
        if (fault := self._take()) is not None:
            await fault.happen(self._provider)

    async def stream(self, items: AsyncGenerator[Item]) -> AsyncGenerator[Item]:
        """`items`, until the fault happens; a stream that is shorter has it at its end."""
        fault = self._take()
        async with aclosing(items):
            given = 0
            while fault is None or given < fault.after:
                if (item := await anext(items, None)) is None:
                    break
                given += 1
                yield item
            if fault is not None:
                await fault.happen(self._provider)

    def _take(self) -> Fault | None:
        return self._left.popleft() if self._left else None


class FailingLLM:
    """`model`, failing; a use is a reply."""

    def __init__(self, model: LanguageModel, *faults: Fault | None, name: str = "") -> None:
        self.name = name or model.name
        self.scripted = model.scripted
        self.faults = Faults(faults, self.name)
        self.asked = 0
        self.warmed = 0
        self.closed = False
        self._model = model

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        self.asked += 1
        return self.faults.stream(self._model.reply(messages, tools))

    async def warm(self) -> None:
        self.warmed += 1

    async def close(self) -> None:
        self.closed = True
        await self._model.close()


class FailingVoice:
    """One call's part of `FailingTTS`."""

    def __init__(self, voice: Voice, faults: Faults) -> None:
        self.closed = False
        self.spoken: list[str] = []
        self._voice = voice
        self._faults = faults

    def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        self.spoken.append(text)
        return self._faults.stream(self._voice.synthesize(text))

    async def close(self) -> None:
        self.closed = True
        await self._voice.close()


class FailingTTS:
    """`voice`, failing; a use is a sentence.  `openings` has faults of its own, for `open`."""

    def __init__(self, voice: TextToSpeech, *faults: Fault | None, name: str = "") -> None:
        self.name = name or voice.name
        self.format = voice.format
        self.faults = Faults(faults, self.name)
        self.openings = Faults((), self.name)
        self.opened: list[FailingVoice] = []
        self.closed = False
        self._voice = voice

    @property
    def spoken(self) -> list[str]:
        """What it was asked to say, in all calls."""
        return [text for voice in self.opened for text in voice.spoken]

    async def open(self, language: str = "en-US") -> FailingVoice:
        await self.openings.opening()
        self.opened.append(FailingVoice(await self._voice.open(language), self.faults))
        return self.opened[-1]

    async def close(self) -> None:
        self.closed = True


class LiteralRecognition:
    """Understands audio as if each byte were a letter, so that what was understood tells what was sent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.received = bytearray()
        self.closed = False
        self._since_final = bytearray()
        self._hung = False
        self._out: asyncio.Queue[Transcript | ProviderError | None] = asyncio.Queue()

    def send(self, audio: bytes) -> None:
        self.received += audio
        self._since_final += audio

    def finalize(self) -> None:
        self._final(from_finalize=True)

    def interim(self) -> None:
        """Tell what was understood so far."""
        self._put(Transcript(self._since_final.decode("latin-1"), final=False))

    def endpoint(self) -> None:
        """Give a final transcript that nobody asked for."""
        self._final(from_finalize=False)

    def endpoint_behind(self, unheard: int) -> None:
        """The same, timed and before the newest `unheard` bytes, of which it knows nothing yet; the audio is `LINE`."""
        end_s = (len(self.received) - unheard) / LINE.bytes_per_second
        text = self._since_final[:-unheard].decode("latin-1")
        self._put(Transcript(text, final=True, words=(HeardWord(text, 0.0, end_s),)))
        del self._since_final[:-unheard]

    def lose(self, message: str = "The connection was lost.") -> None:
        self._put(ProviderError(message, provider=self.name, retryable=True))

    def end(self) -> None:
        """Stop without an error."""
        self._put(None)

    def hang(self) -> None:
        """Answer nothing any more."""
        self._hung = True

    async def transcripts(self) -> AsyncIterator[Transcript]:
        while (item := await self._out.get()) is not None:
            if isinstance(item, ProviderError):
                raise item
            yield item

    async def close(self) -> None:
        self.closed = True
        self._out.put_nowait(None)

    def _final(self, *, from_finalize: bool) -> None:
        if not self._hung:
            self._put(Transcript(self._since_final.decode("latin-1"), final=True, from_finalize=from_finalize))
            self._since_final.clear()

    def _put(self, item: Transcript | ProviderError | None) -> None:
        if not self._hung:
            self._out.put_nowait(item)


class LiteralSTT:
    """Opens `LiteralRecognition`s, failing; a use is an `open`."""

    def __init__(
        self,
        *faults: Fault | None,
        name: str = "literal",
        audio_format: AudioFormat = LINE,
        continuous: bool = True,
    ) -> None:
        self.name = name
        self.format = audio_format
        self.continuous = continuous
        self.faults = Faults(faults, name)
        self.tried = 0
        self.opened: list[LiteralRecognition] = []
        self.hints: list[SpeechHints] = []
        self.closed = False

    async def open(self, hints: SpeechHints) -> LiteralRecognition:
        self.tried += 1
        await self.faults.opening()
        self.hints.append(hints)
        self.opened.append(LiteralRecognition(self.name))
        return self.opened[-1]

    async def close(self) -> None:
        self.closed = True
