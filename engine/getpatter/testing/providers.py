"""Speech and language without sound and without a network, for tests of what stands on top of them.

Each keeps to its protocol's contract, fails when it is told to, and lets the test say what happens next.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence

from getpatter.audio.format import LINE, AudioFormat
from getpatter.errors import ProviderError
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.stt.base import SpeechHints, Transcript
from getpatter.tts.base import SpeechChunk

SECONDS_A_WORD = 0.4
SOUND = b"\x55"
"""What `CountingTTS` speaks: one µ-law value, by which it is told from silence."""
_CHUNK_BYTES = 800


class ToldRecognition:
    """Understands what `TellableSTT.tell` said."""

    name = "told"

    def __init__(self, words: deque[str]) -> None:
        self._words = words
        self._out: asyncio.Queue[Transcript | Exception | None] = asyncio.Queue()
        self.audio = bytearray()
        self.closed = False
        self.mute = False
        """Set it, and nothing is understood any more."""

    def send(self, audio: bytes) -> None:
        self.audio += audio

    def finalize(self) -> None:
        if self.mute:
            return
        self._out.put_nowait(Transcript(self._words.popleft() if self._words else "", final=True, from_finalize=True))

    def interim(self, text: str) -> None:
        self._out.put_nowait(Transcript(text, final=False))

    def fail(self, error: Exception) -> None:
        """The provider is lost now, or has a fault."""
        self._out.put_nowait(error)

    async def transcripts(self) -> AsyncIterator[Transcript]:
        while (item := await self._out.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    async def close(self) -> None:
        self.closed = True
        self._out.put_nowait(None)


class TellableSTT:
    """A recogniser that understands what it is told, one entry for each pause of the speaker."""

    name = "told"
    format: AudioFormat = LINE
    continuous = True

    def __init__(self, words: Iterable[str] = (), *, refuses: ProviderError | None = None) -> None:
        self._words = deque(words)
        self._refuses = refuses
        self.opened: list[ToldRecognition] = []
        self.hints: list[SpeechHints] = []

    def tell(self, *words: str) -> None:
        """What will be understood at the next pauses."""
        self._words.extend(words)

    def tell_next(self, *words: str) -> None:
        """What will be understood at the next pauses instead of what was told before."""
        self._words.clear()
        self.tell(*words)

    async def open(self, hints: SpeechHints) -> ToldRecognition:
        if self._refuses is not None:
            raise self._refuses
        self.hints.append(hints)
        self.opened.append(ToldRecognition(self._words))
        return self.opened[-1]

    async def close(self) -> None:
        pass


class CountingVoice:
    """Speaks `SECONDS_A_WORD` of audio for each word."""

    def __init__(self, owner: CountingTTS) -> None:
        self._owner = owner
        self.closed = False

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        self._owner.spoken.append(text)
        if self._owner.fails is not None:
            raise self._owner.fails
        if self._owner.stalls:
            await asyncio.Event().wait()
        if self._owner.delay is not None:
            await self._owner.delay.wait()
        audio = SOUND * int(len(text.split()) * SECONDS_A_WORD * LINE.rate)
        for start in range(0, len(audio), _CHUNK_BYTES):
            yield SpeechChunk(audio[start : start + _CHUNK_BYTES])

    async def close(self) -> None:
        self.closed = True


class CountingTTS:
    """A voice that is as long as its words, and as fast as the machine."""

    name = "counted"
    format: AudioFormat = LINE

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.opened: list[CountingVoice] = []
        self.fails: ProviderError | None = None
        """Set it, and nothing can be spoken any more."""
        self.stalls = False
        """Set it, and synthesis never answers."""
        self.delay: asyncio.Event | None = None
        """Synthesis waits for it."""

    async def open(self, language: str = "en-US") -> CountingVoice:
        self.opened.append(CountingVoice(self))
        return self.opened[-1]

    async def close(self) -> None:
        pass


class AnsweringLLM:
    """Gives one prepared answer after the other: text, tool calls, or an error; then repeats the last."""

    name = "prepared answers"
    scripted = True

    def __init__(self, *answers: str | ToolCall | ProviderError | Sequence[str | ToolCall | ProviderError]) -> None:
        self._answers = deque(answers)
        self.asked: list[list[Message]] = []
        self.offered: list[list[ToolSpec]] = []
        self.delay: asyncio.Event | None = None
        """Answers wait for it."""

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        self.asked.append(list(messages))
        self.offered.append(list(tools))
        if self.delay is not None:
            await self.delay.wait()
        answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
        for part in (answer,) if isinstance(answer, str | ToolCall | ProviderError) else answer:
            if isinstance(part, ProviderError):
                raise part
            yield part if isinstance(part, ToolCall) else TextDelta(part)

    async def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass


def tool_call(name: str, **arguments: object) -> ToolCall:
    """A model's call of a tool, for `AnsweringLLM`."""
    return ToolCall(f"call_{name}", name, json.dumps(arguments))
