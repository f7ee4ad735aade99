"""One thing the agent says: words from the language model or given, to sentences, to audio on the line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress

from getpatter.audio import g711
from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.clock import Clock, Patience
from getpatter.conversation.history import History, ReplyEntry
from getpatter.conversation.persona import Persona
from getpatter.conversation.reply_use import ReplyMeter
from getpatter.conversation.speaker import Speaker
from getpatter.conversation.timing import Timing
from getpatter.conversation.wording import Sentence
from getpatter.errors import ProviderError
from getpatter.language.sentences import SentenceSplitter
from getpatter.llm.base import LanguageModel, Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.tools.run import ToolOutcome
from getpatter.tts.base import SpeechChunk, Voice

MAX_STEPS = 6
"""Rounds of tool calls that one answer may take; after them the model is asked to answer without tools."""
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
        meter: ReplyMeter,
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
        self._meter = meter
        self._on_tool = on_tool
        self._on_first_token = on_first_token
        self._entry: ReplyEntry | None = None
        self._committed = asyncio.Event()
        self._written: list[str] = []
        """The sentences of the answer as they may be heard."""
        self._queue: asyncio.Queue[Sentence | str | bytes | None] = asyncio.Queue()
        """In the order in which they are heard; text is still to be put into words for the voice."""
        self._complete = False
        self._withdrawn = asyncio.Event()
        self.timing = timing
        self.voice_lost = False

    # -- what may be said

    async def answer(self) -> None:
        self.timing.asked = self._clock.now()
        if self._persona.hooked and not self._committed.is_set():  # a draft: nobody has told its hooks
            self._persona.hooks.remember(self._history.messages())
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
        for sentence in (*splitter.feed(text), *splitter.flush()):
            self._queue.put_nowait(sentence)
        self._end()
        await self._speak()

    def commit(self, entry: ReplyEntry) -> None:
        self._entry = entry
        self._committed.set()

    def interject(self, text: str) -> None:
        if not self._written:  # the wait for the answer is over otherwise
            self._progress(text)

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
            messages = self._messages()
            for _ in range(MAX_STEPS):
                calls = await self._step(messages, self._persona.toolbox.specs)
                if not calls:
                    return
                await self._committed.wait()
                over = False
                for call in calls:
                    if not self._withdrawn.is_set():
                        over |= await self._run(call)
                if self._withdrawn.is_set() or over:
                    return
                messages = self._history.messages()
            await self._step(messages, ())
        finally:
            self.timing.last_token = self._clock.now()
            self._end()

    async def _step(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Sequence[ToolCall]:
        """One message of the model: its text as sentences, its tool calls returned."""
        persona = self._persona
        whole = persona.hooks.after_llm.on_response is not None
        splitter = SentenceSplitter(eager_first=persona.eager and not self._written)
        calls: list[ToolCall] = []
        response: list[str] = []
        messages = await persona.hooks.before_llm(messages)
        async with aclosing(self._metered(messages, tools)) as parts:
            async for part in parts:
                if isinstance(part, TextDelta):
                    self._token()
                    text = persona.hooks.on_chunk(part.text)
                    if whole:
                        response.append(text)
                    else:
                        await self._write(splitter.feed(text))
                elif isinstance(part, ToolCall):
                    self._token()
                    calls.append(part)
        if whole:
            await self._write(splitter.feed(await persona.hooks.on_response("".join(response))))
        await self._write(splitter.flush())
        return calls

    async def _metered(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """What the model replies.  What that uses is told at its end, also when it is broken off."""
        use = self._meter.begin(messages, tools)
        try:
            async with aclosing(self._llm.reply(messages, tools)) as parts:
                async for part in parts:
                    use.take(part)
                    yield part
        except ProviderError:
            use.failed()
            raise
        finally:
            use.end()

    def _token(self) -> None:
        if self.timing.first_token is None:
            self.timing.first_token = self._clock.now()
            self._on_first_token()

    async def _write(self, ready: Sequence[str]) -> None:
        for text in ready:
            sentence = await self._persona.wording.prepare(text)
            if sentence is not None:
                self._written.append(sentence.text)
                self._queue.put_nowait(sentence)

    def _progress(self, text: str) -> None:
        if not self._complete:
            self._queue.put_nowait(text)

    def _end(self) -> None:
        self._complete = True
        self._queue.put_nowait(None)

    async def _run(self, call: ToolCall) -> bool:
        """Whether nothing is to be said after it."""
        assert self._entry is not None
        self._entry.heard(" ".join(self._written))  # the tool's message follows the model's own words
        call = self._history.add_tool_call(call)
        try:
            outcome = await self._persona.toolbox.run(call, on_progress=self._progress)
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
                if isinstance(item, bytes):
                    self._sound(item)
                elif isinstance(item, str):
                    await self._say(await self._persona.wording.prepare(item))
                else:
                    await self._say(item)
                more = item is not None
            finally:
                self._queue.task_done()
        self._speaker.finish()

    def _sound(self, audio: bytes) -> None:
        self._speaker.open("")
        self._speaker.add(audio)
        self._speaker.close()

    async def _say(self, sentence: Sentence | None) -> None:
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
        async with aclosing(self._sound_of(sentence.spoken)) as chunks:
            async for chunk in chunks:
                if timing.first_audio is None:
                    timing.first_audio = self._clock.now()
                audio = transcoder.feed(chunk.audio) if transcoder else chunk.audio
                self._speaker.add(await self._hooked(audio), chunk.words)
                if timing.first_frame is None:
                    timing.first_frame = self._speaker.first_sent_at
                await self._speaker.room()
        if transcoder and (rest := transcoder.flush()):
            self._speaker.add(await self._hooked(rest))
        timing.last_audio = self._clock.now()
        self._speaker.close()

    async def _sound_of(self, spoken: str) -> AsyncGenerator[SpeechChunk]:
        """What the voice makes of it; raises `TimeoutError` when the voice, and nobody else, is waited for too long."""
        patience = Patience(self._clock)
        try:
            async with aclosing(self._voice.synthesize(spoken)) as chunks:
                while True:
                    patience.until(self._clock.now() + VOICE_STALL_S)
                    chunk = await patience.wait(anext(chunks, None))
                    if chunk is None:
                        return
                    yield chunk
        finally:
            patience.close()

    async def _hooked(self, audio: bytes) -> bytes:
        hooks = self._persona.hooks
        if hooks.hooks.after_synthesize is None:
            return audio
        pcm = await hooks.after_synthesize(g711.decode(audio))
        return g711.encode(pcm) if pcm is not None else b""
