"""A speech-to-speech engine without a network, for whole talks on a clock that a test moves."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence

from getpatter.audio.format import LINE, AudioFormat
from getpatter.engines.base import AudioDelta, EngineConfig, EngineEvent, InputTranscript, ResponseDone
from getpatter.errors import ProviderError
from getpatter.llm.base import TextDelta, ToolSpec
from getpatter.testing.providers import SECONDS_A_WORD, SOUND
from getpatter.testing.realtime_session import CHUNK_S, WORDS_AHEAD, Spoken

LOST = ProviderError("The engine broke off.", provider="told engine", retryable=True)


class ToldSession:
    """Answers at once, faster than anybody listens; what it was told lies open."""

    def __init__(self, owner: ToldEngine, config: EngineConfig) -> None:
        self._owner = owner
        self._out: asyncio.Queue[EngineEvent | ProviderError | None] = asyncio.Queue()
        self._responses = 0
        self._active = False
        self.config = config
        self.heard = bytearray()
        self.commits: list[bytes] = []
        self.told: list[str] = []
        self.said: list[str] = []
        self.asked = 0
        """Responses to what the caller said."""
        self.cancelled = 0
        self.truncated: list[tuple[str, int]] = []
        self.results: list[tuple[str, str]] = []
        self.configured: list[tuple[str, Sequence[ToolSpec]]] = []
        self.closed = False

    def send(self, audio: bytes) -> None:
        self.heard += audio

    def commit(self) -> None:
        self.commits.append(bytes(self.heard))
        self.heard.clear()
        if self._owner.understands:
            self.understand()

    def understand(self) -> None:
        """The transcript that is due comes now, its first word ahead of the rest."""
        words = self._owner.next_words()
        self._out.put_nowait(InputTranscript(words.partition(" ")[0], final=False))
        self._out.put_nowait(InputTranscript(words, final=True))

    def tell(self, text: str) -> None:
        self.told.append(text)

    def respond(self) -> None:
        self.asked += 1
        self._speak(self._owner.next_answer())

    def say(self, text: str) -> None:
        self.said.append(text)
        self._speak(Spoken(text))

    def cancel(self) -> None:
        if self._active:
            self.cancelled += 1
            self._end(ResponseDone("cancelled"))

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        self.truncated.append((item_id, audio_end_ms))

    def tool_result(self, call_id: str, output: str) -> None:
        self.results.append((call_id, output))

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        self.configured.append((instructions, tools))

    def lose(self, error: ProviderError = LOST) -> None:
        """The connection breaks."""
        self._out.put_nowait(error)

    async def events(self) -> AsyncIterator[EngineEvent]:
        while (event := await self._out.get()) is not None:
            if isinstance(event, ProviderError):
                raise event
            yield event

    async def close(self) -> None:
        self.closed = True
        self._out.put_nowait(None)

    def _speak(self, spoken: Spoken) -> None:
        assert not self._active, "a response is under way"
        self._active = True
        self._responses += 1
        for step, events in enumerate(_steps(spoken, f"item_{self._responses}")):
            if step == spoken.stall_after:
                return
            if step == spoken.drop_after:
                self.lose()
                return
            for event in events:
                self._out.put_nowait(event)
        for call in spoken.tool_calls:
            self._out.put_nowait(call)
        if spoken.fails:
            self._end(ResponseDone("failed", error=ProviderError("It failed.", retryable=True)))
        else:
            self._end(ResponseDone())

    def _end(self, done: ResponseDone) -> None:
        self._active = False
        self._out.put_nowait(done)


def _steps(spoken: Spoken, item_id: str) -> Iterable[list[EngineEvent]]:
    """Pieces of sound, each with the words that come ahead of it."""
    words = spoken.text.split()
    sound = SOUND * int(len(words) * SECONDS_A_WORD * LINE.rate)
    size = int(CHUNK_S * LINE.rate)
    told = 0
    for start in range(0, len(sound), size):
        ahead = int(start / LINE.rate / SECONDS_A_WORD) + WORDS_AHEAD
        text = "".join(f" {word}" if told + at else word for at, word in enumerate(words[told:ahead]))
        told = max(told, ahead)
        yield [*([TextDelta(text)] if text else []), AudioDelta(item_id, sound[start : start + size])]


class ToldEngine:
    """Gives one prepared answer after the other, then repeats the last; understands what `words` hold."""

    name = "told engine"
    input_format: AudioFormat = LINE
    output_format: AudioFormat = LINE
    manages_turns = False

    def __init__(self, *answers: str | Spoken, words: Iterable[str] = ()) -> None:
        self._answers = deque(Spoken(answer) if isinstance(answer, str) else answer for answer in answers)
        self._words = deque(words)
        self.sessions: list[ToldSession] = []
        self.understands = True
        """Transcripts come with their commits; else by `ToldSession.understand`."""
        self.refuses: ProviderError | None = None
        """Set it, and no session can be opened any more."""

    def next_answer(self) -> Spoken:
        return self._answers.popleft() if len(self._answers) > 1 else self._answers[0]

    def next_words(self) -> str:
        return self._words.popleft() if self._words else ""

    async def open(self, config: EngineConfig) -> ToldSession:
        if self.refuses is not None:
            raise self.refuses
        self.sessions.append(ToldSession(self, config))
        return self.sessions[-1]

    async def close(self) -> None:
        pass
