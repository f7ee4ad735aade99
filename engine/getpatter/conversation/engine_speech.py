"""One thing that the agent says through a speech-to-speech engine: responses, tools between them, words of our own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from getpatter.clock import Clock, sleep
from getpatter.conversation.engine_link import STALL_S, Ask, EngineLink
from getpatter.conversation.engine_voice import Cut, EngineVoice
from getpatter.conversation.history import History, ReplyEntry
from getpatter.conversation.persona import Persona
from getpatter.conversation.reply import CLOSING_TOOLS, MAX_STEPS, STOPPED, ToolRun
from getpatter.conversation.speaker import Speaker
from getpatter.conversation.timing import Timing
from getpatter.engines.base import AudioDelta, ResponseDone, ResponseEvent
from getpatter.errors import PartialReply, PatterError, ProviderError
from getpatter.language.sentences import SentenceSplitter
from getpatter.llm.base import Message, TextDelta, ToolCall

AGAIN_S = 0.5
"""Words of ours of which nothing came are said again after this: by then it is known whether they were taken back."""

_BESIDE_VOICE = re.compile(r"\[[^\]]*\]")
"""What the history tells of the caller that was not said: keys, notes."""


@dataclass(slots=True)
class EngineCall:
    """What all that is said in one call has in common."""

    link: EngineLink
    persona: Persona
    history: History
    clock: Clock
    on_tool: ToolRun
    on_first_token: Callable[[], None]
    on_problem: Callable[[PatterError], None]
    bridges: bool = True
    """Nobody was told yet that words to bridge a wait cannot be said."""
    told: list[str] = field(default_factory=list)
    """What the engine was told beside the caller's voice, of the turn that is to be answered."""
    tools: set[asyncio.Task[None]] = field(default_factory=set)
    """Those at work; some outlast what asked for them."""


class _Answer:
    """Ask the engine for a response."""


class _End:
    """There is nothing more to say."""


@dataclass(frozen=True, slots=True)
class _Words:
    text: str


@dataclass(frozen=True, slots=True)
class _Sound:
    audio: bytes


class EngineSpeech:
    """Speaks one answer; a `Speech`.  The speaker is cut by its owner."""

    def __init__(
        self, call: EngineCall, voice: EngineVoice, timing: Timing, messages: Callable[[], Sequence[Message]]
    ) -> None:
        self._call = call
        self._voice = voice
        self._messages = messages
        self._entry: ReplyEntry | None = None
        self._committed = asyncio.Event()
        self._withdrawn = asyncio.Event()
        self._queue: asyncio.Queue[_Answer | _Words | _Sound | _End] = asyncio.Queue()
        self._steps = 0
        self._responding = False
        self._running: dict[asyncio.Task[None], ToolCall] = {}
        self._goes_on = False
        """A tool's result is to be talked about."""
        self.timing = timing
        self.voice_lost = False

    @property
    def _speaker(self) -> Speaker:
        return self._voice.speaker

    # -- what may be said

    async def answer(self) -> None:
        # The engine answers audio that was committed, and knows of no drafts.
        await self._committed.wait()
        self.timing.asked = self._call.clock.now()
        self._queue.put_nowait(_Answer())
        await self._speak()

    async def say(self, text: str) -> None:
        self._queue.put_nowait(_Words(text))
        self._queue.put_nowait(_End())
        try:
            await self._speak()
        except ProviderError:
            self.voice_lost = True  # there is no other voice to apologise with
            raise

    def commit(self, entry: ReplyEntry) -> None:
        self._entry = entry
        self._committed.set()

    def interject(self, text: str) -> None:
        """An engine says one thing at a time, so words that are to bridge the wait for its answer cannot be said; and
        one that leads has its own, which ours would end.  Behind the answer they have no place."""
        if not self._call.link.engine_leads and (self._running or not self._responding):
            self._queue.put_nowait(_Words(text))
        elif self._call.bridges:
            self._call.bridges = False
            why = "they would end its turn" if self._call.link.engine_leads else "it says one thing at a time"
            self._call.on_problem(
                ProviderError(f"{self._call.link.name} cannot be given words to bridge a wait: {why}.", retryable=False)
            )

    def play(self, audio: bytes) -> None:
        self._queue.put_nowait(_Sound(audio))

    async def heard_out(self) -> bool:
        said = asyncio.create_task(self._queue.join())
        gone = asyncio.create_task(self._withdrawn.wait())
        try:
            await asyncio.wait((said, gone), return_when=asyncio.FIRST_COMPLETED)
            return not gone.done() and await self._speaker.drained() and not self._withdrawn.is_set()
        finally:
            said.cancel()
            gone.cancel()

    def withdraw(self) -> None:
        self._withdrawn.set()
        self._call.link.cancel()
        self._tell_cuts(self._voice.cut())
        for task, call in self._running.items():
            tool = self._call.persona.toolbox.find(call.name)
            if tool is None or not tool.side_effects:
                task.cancel()

    # -- speaking

    async def _speak(self) -> None:
        while not isinstance(item := await self._queue.get(), _End):
            try:
                await self._do(item)
            finally:
                self._queue.task_done()
        self._speaker.finish()
        if self._voice.spoke:
            self._call.link.answered()

    async def _do(self, item: _Answer | _Words | _Sound) -> None:
        match item:
            case _Answer():
                await self._answer()
            case _Words(text):
                await self._say(text)
            case _Sound(audio):
                self._voice.sound(audio)

    async def _answer(self) -> None:
        self._steps += 1
        self._goes_on = False
        if self._steps == 1:
            self._tell_what_was_not_said()
        self._responding = True
        try:
            instead = await self._respond(lambda session: session.respond(), ours=False)
        finally:
            self._responding = False
        self.timing.last_token = self._call.clock.now()
        if instead:
            await self._say(instead)
        self._advance()

    def _advance(self) -> None:
        """Once the response is over and its tools are done: talk about their results, or end."""
        if self._responding or self._running or self._withdrawn.is_set():
            return
        on = self._goes_on and self._steps < MAX_STEPS
        self._queue.put_nowait(_Answer() if on else _End())

    async def _say(self, text: str) -> None:
        """Words of ours, or of a tool."""
        splitter = SentenceSplitter()
        prepared = [
            await self._call.persona.wording.prepare(text) for text in (*splitter.feed(text), *splitter.flush())
        ]
        words = " ".join(sentence.spoken for sentence in prepared if sentence is not None)
        if words and not await self._is_said(words) and not self._withdrawn.is_set():
            # Whoever broke it off may have the turn by now, and then these words are taken back.
            await sleep(self._call.clock, AGAIN_S)
            name = self._call.link.name
            self._call.on_problem(ProviderError(f"{name} did not say what it was to say; it was asked again."))
            await self._is_said(words)

    async def _is_said(self, words: str) -> bool:
        """Ask the engine to say this; False when nothing of it came, because something else broke it off."""
        before = self._voice.received
        await self._respond(lambda session: session.say(words), ours=True)
        return self._voice.received > before

    async def _respond(self, ask: Ask, *, ours: bool) -> str | None:
        """One response, asked for again where the engine was lost before anything came of it.

        `ours`: its words are given, and need no review.  Gives what is to be said in place of the rest, when a
        guardrail objected to it.
        """
        before = self._voice.spoke
        try:
            return await self._hear(ask, ours=ours)
        except ProviderError as error:
            if not error.retryable or self._voice.spoke != before or self._running:
                raise self._broken(error) from error
        self._voice.break_off_item()
        try:
            return await self._hear(ask, ours=ours)
        except ProviderError as error:
            raise self._broken(error) from error

    def _broken(self, error: ProviderError) -> ProviderError:
        """What is there of it is said; the engine may be another by now."""
        self._voice.break_off_item()
        self._speaker.finish()
        self.voice_lost = self._call.link.lost is not None
        if self.voice_lost or not self._voice.spoke:
            return error
        return PartialReply(
            error.message, provider=error.provider, retryable=error.retryable, said="".join(self._voice.written)
        )

    async def _hear(self, ask: Ask, *, ours: bool) -> str | None:
        link, instead = self._call.link, None
        try:
            async with aclosing(link.response(ask, claims=not ours)) as events:
                async for event in events:
                    instead = await self._take(event, review=not ours)
                    if instead is not None:
                        break
                    if isinstance(event, ResponseDone) and event.status == "cancelled":  # by the engine
                        self._voice.break_off_item()
        except TimeoutError:
            if not link.engine_leads:
                raise ProviderError(f"The engine gave nothing for {STALL_S:g} s.", retryable=True) from None
            self._voice.break_off_item()
        if instead is None:
            instead = await self._voice.end_item()
        if instead is not None:
            self._voice.abandon_item()
            self._tell_cuts(self._voice.cut_unspoken())
        return instead

    async def _take(self, event: ResponseEvent, *, review: bool) -> str | None:
        now = self._call.clock.now()
        if not isinstance(event, ResponseDone) and self.timing.first_token is None:
            self.timing.first_token = now
            self._call.on_first_token()
        match event:
            case TextDelta(text):
                return await self._voice.write(text, review=review)
            case AudioDelta():
                if self.timing.first_audio is None:
                    self.timing.first_audio = now
                self.timing.last_audio = now
                await self._voice.add(event, review=review)
            case ToolCall():
                self._start(event)
            case ResponseDone(error=ProviderError() as error):
                raise error
        return None

    # -- what the engine is told

    def _tell_what_was_not_said(self) -> None:
        messages = self._messages()
        last = messages[-1] if messages else None
        said = _BESIDE_VOICE.findall(last.content) if last is not None and last.role == "user" else []
        told = self._call.told
        news = said[len(told) :] if said[: len(told)] == told else said
        self._call.told = said
        if news:
            self._call.link.tell(" ".join(news))

    def _tell_cuts(self, cuts: list[Cut]) -> None:
        for cut in cuts:
            self._call.link.truncate(cut.item_id, cut.heard_ms)

    # -- tools

    def _start(self, call: ToolCall) -> None:
        """Tools work while the agent talks on, and while it is interrupted."""
        assert self._entry is not None
        self._entry.heard("".join(self._voice.written))  # the tool's message follows the words before it
        noted = self._call.history.add_tool_call(call)
        task = asyncio.create_task(self._run(noted, call.id), name=f"tool {call.name}")
        self._running[task] = noted
        self._call.tools.add(task)
        task.add_done_callback(self._ended)

    async def _run(self, call: ToolCall, engine_id: str) -> None:
        """`engine_id` is what the engine calls it; the history may have another id for it."""
        shared = self._call
        try:
            outcome = await shared.persona.toolbox.run(call, on_progress=self._progress)
        except asyncio.CancelledError:
            tool = shared.persona.toolbox.find(call.name)
            if tool is None or not tool.side_effects:
                shared.history.add_tool_result(call.id, STOPPED)
                shared.link.tool_result(engine_id, STOPPED, follows=False)
            raise
        shared.history.add_tool_result(call.id, outcome.result)
        self._goes_on |= call.name not in CLOSING_TOOLS or bool(outcome.error)
        follows = self._goes_on and not self._withdrawn.is_set()
        shared.link.tool_result(engine_id, outcome.result, follows=follows)
        shared.on_tool(call, outcome)

    def _progress(self, text: str) -> None:
        if not self._withdrawn.is_set():
            self.interject(text)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._call.tools.discard(task)
        del self._running[task]
        self._advance()
