"""One thing the agent says: words from the language model or given, to sentences, to audio on the line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.clock import Clock, stall_guard
from getpatter.conversation.history import History, ReplyEntry
from getpatter.conversation.sentences import SentenceSplitter
from getpatter.conversation.speaker import Speaker
from getpatter.conversation.tools import Toolbox
from getpatter.conversation.transform import for_speech
from getpatter.errors import ProviderError
from getpatter.events import TurnLatency
from getpatter.llm.base import LanguageModel, TextDelta, ToolCall
from getpatter.tts.base import Voice

MAX_STEPS = 6
"""Rounds of tool calls that one answer may take."""


VOICE_STALL_S = 10.0
"""A voice that takes longer for its next audio will not be waited for: nobody stays on a silent line."""


@dataclass(slots=True)
class Timing:
    """Monotonic times of one answer; what did not happen stays None."""

    last_speech: float | None = None
    endpoint: float | None = None
    final: float | None = None
    asked: float | None = None
    first_token: float | None = None
    first_sentence: float | None = None
    first_audio: float | None = None
    first_frame: float | None = None

    def latency(self) -> TurnLatency:
        """The parts of the response time; the engine's own is what STT, LLM and TTS leave of it."""
        return TurnLatency(
            endpoint_ms=_ms(self.last_speech, self.endpoint),
            stt_ms=_ms(self.endpoint, self.final),
            llm_ttft_ms=_ms(self.asked, self.first_token),
            tts_ms=_ms(self.first_sentence, self.first_audio),
            engine_ms=_sum(_ms(self.final, self.asked), _ms(self.first_audio, self.first_frame)),
            response_ms=_ms(self.last_speech, self.first_frame),
        )


def _ms(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(max(0.0, end - start) * 1000, 2)


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else round(first + second, 2)


ToolRun = Callable[[ToolCall, str, float], None]
"""Told of each tool call, its result and its duration in seconds."""


class Reply:
    """Speaks one answer.  Cancel the task that runs `answer` or `say` to stop it; the speaker is cut by its owner."""

    def __init__(
        self,
        *,
        llm: LanguageModel,
        voice: Voice,
        voice_format: AudioFormat,
        speaker: Speaker,
        history: History,
        entry: ReplyEntry,
        toolbox: Toolbox,
        clock: Clock,
        timing: Timing,
        on_tool: ToolRun,
    ) -> None:
        self._llm = llm
        self._voice = voice
        self._voice_format = voice_format
        self._speaker = speaker
        self._history = history
        self._entry = entry
        self._said: list[str] = []
        self._toolbox = toolbox
        self._clock = clock
        self._on_tool = on_tool
        self.timing = timing
        self.voice_lost = False
        """The voice failed, so nothing more can be said in this call."""
        self.withdrawn = False
        """The reply was taken back: nothing that it asked for is done any more."""

    async def answer(self) -> None:
        """Ask the language model and speak while it writes.  Raises `ProviderError`."""
        self.timing.asked = self._clock.now()
        sentences: asyncio.Queue[str | None] = asyncio.Queue()
        thinking = asyncio.create_task(self._think(sentences))
        try:
            await self._speak(sentences)
            await thinking
        finally:
            if not thinking.done():
                thinking.cancel()
                with suppress(asyncio.CancelledError):
                    await thinking

    async def say(self, text: str) -> None:
        """Speak given words.  Raises `ProviderError`."""
        sentences: asyncio.Queue[str | None] = asyncio.Queue()
        splitter = SentenceSplitter()
        self._put(sentences, [*splitter.feed(text), *splitter.flush()])
        sentences.put_nowait(None)
        await self._speak(sentences)

    # -- words

    async def _think(self, sentences: asyncio.Queue[str | None]) -> None:
        try:
            for _ in range(MAX_STEPS):
                calls = await self._step(sentences)
                for call in calls:
                    if not self.withdrawn:
                        await self._run(call)
                if not calls or self.withdrawn:
                    return
                if all(call.name == "end_call" for call in calls):
                    return  # nothing more is to be said
                self._entry.heard(" ".join(self._said))  # the model's next message follows its own words
        finally:
            sentences.put_nowait(None)

    async def _step(self, sentences: asyncio.Queue[str | None]) -> Sequence[ToolCall]:
        """One message of the model: its text as sentences, its tool calls returned."""
        splitter = SentenceSplitter()
        calls: list[ToolCall] = []
        async with aclosing(self._llm.reply(self._history.messages(), self._toolbox.specs)) as parts:
            async for part in parts:
                if isinstance(part, TextDelta):
                    if self.timing.first_token is None:
                        self.timing.first_token = self._clock.now()
                    self._put(sentences, splitter.feed(part.text))
                elif isinstance(part, ToolCall):
                    calls.append(part)
        self._put(sentences, splitter.flush())
        return calls

    def _put(self, sentences: asyncio.Queue[str | None], ready: list[str]) -> None:
        for sentence in ready:
            self._said.append(sentence)
            sentences.put_nowait(sentence)

    async def _run(self, call: ToolCall) -> None:
        began = self._clock.now()
        self._history.add_tool_call(call)
        result = await self._toolbox.run(call)
        self._history.add_tool_result(call.id, result)
        self._on_tool(call, result, self._clock.now() - began)

    # -- audio

    async def _speak(self, sentences: asyncio.Queue[str | None]) -> None:
        while (sentence := await sentences.get()) is not None:
            spoken = for_speech(sentence)
            if not spoken:
                continue
            await self._speaker.room()
            try:
                await self._synthesize(sentence, spoken)
            except TimeoutError:
                self.voice_lost = True
                stalled = f"The voice gave no audio for {VOICE_STALL_S:g} s."
                raise ProviderError(stalled, retryable=True) from None
            except ProviderError:
                self.voice_lost = True
                raise
        self._speaker.finish()

    async def _synthesize(self, sentence: str, spoken: str) -> None:
        timing = self.timing
        if timing.first_sentence is None:
            timing.first_sentence = self._clock.now()
        transcoder = None if self._voice_format == LINE else Transcoder(self._voice_format, LINE)
        self._speaker.open(sentence)
        async with (
            stall_guard(self._clock, VOICE_STALL_S) as alive,
            aclosing(self._voice.synthesize(spoken)) as chunks,
        ):
            async for chunk in chunks:
                if timing.first_audio is None:
                    timing.first_audio = self._clock.now()
                audio = transcoder.feed(chunk.audio) if transcoder else chunk.audio
                self._speaker.add(audio, chunk.words)
                if timing.first_frame is None:
                    timing.first_frame = self._speaker.first_sent_at
                await self._speaker.room()
                alive()
        if transcoder and (rest := transcoder.flush()):
            self._speaker.add(rest)
        self._speaker.close()
