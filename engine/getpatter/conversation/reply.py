"""One thing the agent says: words from the language model or given, to sentences, to audio on the line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress

from getpatter.audio import g711
from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.clock import Clock, stall_guard
from getpatter.conversation.history import History, ReplyEntry
from getpatter.conversation.persona import Persona
from getpatter.conversation.speaker import Speaker
from getpatter.conversation.timing import Timing
from getpatter.conversation.wording import Sentence
from getpatter.errors import ProviderError
from getpatter.language.sentences import SentenceSplitter
from getpatter.llm.base import LanguageModel, Message, TextDelta, ToolCall
from getpatter.tools.run import ToolOutcome
from getpatter.tts.base import Voice

MAX_STEPS = 6
"""Rounds of tool calls that one answer may take."""
VOICE_STALL_S = 10.0
"""A voice that takes longer for its next audio will not be waited for: nobody stays on a silent line."""
CLOSING_TOOLS = frozenset({"end_call", "transfer_call"})
"""After these the agent has nothing more to say."""
STOPPED = "It was stopped: the caller spoke."

ToolRun = Callable[[ToolCall, ToolOutcome], None]


class Reply:
    """Speaks one answer; a `Speech`.  The speaker is cut by its owner."""

    def __init__(
        self,
        *,
        llm: LanguageModel,
        voice: Voice,
        voice_format: AudioFormat,
        speaker: Speaker,
        persona: Persona,
        history: History,
        messages: Callable[[], Sequence[Message]],
        clock: Clock,
        timing: Timing,
        on_tool: ToolRun,
        on_first_token: Callable[[], None],
    ) -> None:
        self._llm = llm
        self._voice = voice
        self._voice_format = voice_format
        self._speaker = speaker
        self._persona = persona
        self._history = history
        self._messages = messages
        self._clock = clock
        self._on_tool = on_tool
        self._on_first_token = on_first_token
        self._entry: ReplyEntry | None = None
        self._committed = asyncio.Event()
        self._written: list[str] = []
        self._queue: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._urgent: list[str] = []
        self._withdrawn = asyncio.Event()
        self.timing = timing
        self.voice_lost = False

    # -- what may be said

    async def answer(self) -> None:
        self.timing.asked = self._clock.now()
        thinking = asyncio.create_task(self._think())
        try:
            await self._speak()
            await thinking
        finally:
            if not thinking.done():
                thinking.cancel()
                with suppress(asyncio.CancelledError):
                    await thinking

    async def say(self, text: str) -> None:
        splitter = SentenceSplitter()
        self._put([*splitter.feed(text), *splitter.flush()])
        self._queue.put_nowait(None)
        await self._speak()

    def commit(self, entry: ReplyEntry) -> None:
        self._entry = entry
        self._committed.set()

    def interject(self, text: str) -> None:
        self._urgent.append(text)
        self._queue.put_nowait("")  # wakes whoever waits for words

    def play(self, audio: bytes) -> None:
        self._queue.put_nowait(audio)

    async def heard_out(self) -> bool:
        said = asyncio.create_task(self._queue.join())
        gone = asyncio.create_task(self._withdrawn.wait())
        try:
            await asyncio.wait((said, gone), return_when=asyncio.FIRST_COMPLETED)
            # Withdrawn meanwhile, what was drained may have been another's words.
            return not gone.done() and await self._speaker.drained() and not self._withdrawn.is_set()
        finally:
            said.cancel()
            gone.cancel()

    def withdraw(self) -> None:
        self._withdrawn.set()

    # -- words

    async def _think(self) -> None:
        try:
            messages = await self._persona.hooks.before_llm(self._messages())
            for _ in range(MAX_STEPS):
                calls = await self._step(messages)
                if not calls:
                    return
                await self._committed.wait()
                over = True
                for call in calls:
                    if not self._withdrawn.is_set():
                        over &= await self._run(call)
                if self._withdrawn.is_set() or over:
                    return
                messages = self._history.messages()
        finally:
            self.timing.last_token = self._clock.now()
            self._queue.put_nowait(None)

    async def _step(self, messages: Sequence[Message]) -> Sequence[ToolCall]:
        """One message of the model: its text as sentences, its tool calls returned."""
        persona = self._persona
        whole = persona.hooks.after_llm.on_response is not None
        splitter = SentenceSplitter(eager_first=persona.eager and not self._written)
        calls: list[ToolCall] = []
        response: list[str] = []
        async with aclosing(self._llm.reply(messages, persona.toolbox.specs)) as parts:
            async for part in parts:
                if isinstance(part, TextDelta):
                    self._token()
                    text = persona.hooks.on_chunk(part.text)
                    if whole:
                        response.append(text)
                    else:
                        self._put(splitter.feed(text))
                elif isinstance(part, ToolCall):
                    self._token()
                    calls.append(part)
        if whole:
            self._put(splitter.feed(await persona.hooks.on_response("".join(response))))
        self._put(splitter.flush())
        return calls

    def _token(self) -> None:
        if self.timing.first_token is None:
            self.timing.first_token = self._clock.now()
            self._on_first_token()

    def _put(self, ready: Sequence[str]) -> None:
        for sentence in ready:
            self._written.append(sentence)
            self._queue.put_nowait(sentence)

    async def _run(self, call: ToolCall) -> bool:
        """Whether nothing is to be said after it."""
        assert self._entry is not None
        self._entry.heard(" ".join(self._written))  # the tool's message follows the model's own words
        self._history.add_tool_call(call)
        try:
            outcome = await self._persona.toolbox.run(call, on_progress=self.interject)
        except asyncio.CancelledError:
            tool = self._persona.toolbox.find(call.name)
            if tool is not None and not tool.side_effects:
                self._history.add_tool_result(call.id, STOPPED)
            raise
        self._history.add_tool_result(call.id, outcome.result)
        self._on_tool(call, outcome)
        return call.name in CLOSING_TOOLS and not outcome.error

    # -- audio

    async def _speak(self) -> None:
        more = True
        while more:
            item = await self._queue.get()
            try:
                for words in self._take_urgent():
                    await self._say(words)
                if isinstance(item, bytes):
                    self._sound(item)
                elif item:
                    await self._say(item)
                more = item is not None
            finally:
                self._queue.task_done()
        self._speaker.finish()

    def _take_urgent(self) -> list[str]:
        urgent, self._urgent = self._urgent, []
        return urgent

    def _sound(self, audio: bytes) -> None:
        self._speaker.open("")
        self._speaker.add(audio)
        self._speaker.close()

    async def _say(self, text: str) -> None:
        sentence = await self._persona.wording.prepare(text)
        if sentence is None:
            return
        await self._speaker.room()
        try:
            await self._synthesize(sentence)
        except TimeoutError:
            self.voice_lost = True
            stalled = f"The voice gave no audio for {VOICE_STALL_S:g} s."
            raise ProviderError(stalled, retryable=True) from None
        except ProviderError:
            self.voice_lost = True
            raise

    async def _synthesize(self, sentence: Sentence) -> None:
        timing = self.timing
        if timing.first_sentence is None:
            timing.first_sentence = self._clock.now()
        transcoder = None if self._voice_format == LINE else Transcoder(self._voice_format, LINE)
        self._speaker.open(sentence.text)
        async with (
            stall_guard(self._clock, VOICE_STALL_S) as alive,
            aclosing(self._voice.synthesize(sentence.spoken)) as chunks,
        ):
            async for chunk in chunks:
                if timing.first_audio is None:
                    timing.first_audio = self._clock.now()
                audio = transcoder.feed(chunk.audio) if transcoder else chunk.audio
                self._speaker.add(await self._hooked(audio), chunk.words)
                if timing.first_frame is None:
                    timing.first_frame = self._speaker.first_sent_at
                await self._speaker.room()
                alive()
        if transcoder and (rest := transcoder.flush()):
            self._speaker.add(await self._hooked(rest))
        timing.last_audio = self._clock.now()
        self._speaker.close()

    async def _hooked(self, audio: bytes) -> bytes:
        hooks = self._persona.hooks
        if hooks.hooks.after_synthesize is None:
            return audio
        pcm = await hooks.after_synthesize(g711.decode(audio))
        return g711.encode(pcm) if pcm is not None else b""
