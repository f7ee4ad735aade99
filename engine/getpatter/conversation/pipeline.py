"""A mind put together from a recogniser, a language model and a voice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from getpatter.agent import Agent
from getpatter.clock import Clock, deadline
from getpatter.conversation.first_message import FirstMessage
from getpatter.conversation.history import History
from getpatter.conversation.mind import Speech
from getpatter.conversation.persona import Persona
from getpatter.conversation.reply import Reply, ToolRun
from getpatter.conversation.reply_use import ReplyMeter
from getpatter.conversation.speaker import Speaker
from getpatter.conversation.timing import Timing
from getpatter.errors import PatterError, ProviderError, first_of
from getpatter.events import UsedFor
from getpatter.failover import Switch, reporting
from getpatter.llm.base import ForCall, LanguageModel, Message
from getpatter.metering import LOCAL, Used, used_by
from getpatter.stt.base import Recognition, SpeechHints, SpeechToText
from getpatter.stt.fallback import lasting
from getpatter.tts.base import Voice

log = logging.getLogger(__name__)

CLOSE_S = 5.0
"""Longest that a provider may take to close."""


class Pipeline:
    """One call's; a `Mind`."""

    def __init__(
        self,
        call_id: str,
        agent: Agent,
        *,
        persona: Persona,
        history: History,
        clock: Clock,
        on_tool: ToolRun,
        on_first_token: Callable[[str], None],
        on_problem: Callable[[PatterError], None],
        on_used: Callable[[UsedFor, Used], None],
        first_message: FirstMessage | None = None,
    ) -> None:
        self._call_id = call_id
        self._agent = agent
        self._persona = persona
        self._history = history
        self._clock = clock
        self._on_tool = on_tool
        self._on_first_token = on_first_token
        self._on_problem = on_problem
        self._on_used = on_used
        self._first_message = first_message
        providers = agent.providers
        llm = reporting(providers.llm, self._switched)
        self._own_llm = llm.for_call(persona.context) if isinstance(llm, ForCall) else None
        """Of this call alone, and closed with it."""
        self._llm: LanguageModel = self._own_llm or llm
        self._meter = ReplyMeter(self._llm, lambda used: on_used("llm", used))
        self._stt = reporting(lasting(providers.stt, clock), self._switched)
        self._tts = reporting(providers.tts, self._switched)
        self._recognition: Recognition | None = None
        self._voice: Voice | None = None
        self._warming: asyncio.Task[None] | None = None

    async def prepare(self, phrases: Sequence[str]) -> None:
        hints = SpeechHints(self._agent.language, self._agent.phrases + tuple(phrases))
        # It may take longer than the rest: the first answer comes later still.
        self._warming = asyncio.create_task(self._warm(), name=f"{self._call_id} warming")
        try:
            async with asyncio.TaskGroup() as opening:
                opening.create_task(self._open_ear(hints))
                opening.create_task(self._open_voice())
        except BaseExceptionGroup as errors:
            raise first_of(errors) from None
        if self._recognition is None or self._voice is None:
            raise ProviderError("A speech provider broke off while it was opened.", retryable=True)

    @property
    def hears_as(self) -> SpeechToText:
        return self._stt

    @property
    def recognition(self) -> Recognition:
        assert self._recognition is not None
        return self._recognition

    @property
    def needs_words(self) -> bool:
        return True

    def begin(self, speaker: Speaker, timing: Timing, messages: Callable[[], Sequence[Message]]) -> Speech:
        assert self._voice is not None
        return Reply(
            llm=self._llm,
            voice=self._voice,
            voice_format=self._tts.format,
            speaker=speaker,
            persona=self._persona,
            history=self._history,
            messages=messages,
            clock=self._clock,
            timing=timing,
            meter=self._meter,
            on_tool=self._on_tool,
            on_first_token=lambda: self._on_first_token(self._llm.name),
        )

    async def close(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        try:
            for provider in (self._recognition, self._voice, self._own_llm):
                if provider is not None:
                    await self._let_go(provider)
        finally:
            self._tell_used()

    async def _open_ear(self, hints: SpeechHints) -> None:
        self._recognition = await self._stt.open(hints)

    async def _open_voice(self) -> None:
        self._voice = await self._tts.open(self._agent.language)
        if self._first_message is not None:
            self._voice = await self._first_message.begin(self._voice)

    async def _warm(self) -> None:
        try:
            await self._llm.warm()
        except ProviderError as error:
            log.info("call %s: the language model could not be warmed: %s", self._call_id, error.message)

    async def _let_go(self, provider: Recognition | Voice | LanguageModel) -> None:
        try:
            async with deadline(self._clock, self._clock.now() + CLOSE_S):
                await provider.close()
        except TimeoutError:
            log.warning("call %s: a provider did not close within %g s", self._call_id, CLOSE_S)
        except Exception:  # a provider's fault at the end must not keep the line open
            log.exception("call %s: a provider could not be closed", self._call_id)

    def _tell_used(self) -> None:
        """What does not say that it costs something runs on this machine."""
        speech: tuple[tuple[UsedFor, Recognition | Voice | None], ...] = (
            ("stt", self._recognition),
            ("tts", self._voice),
        )
        for kind, provider in speech:
            if provider is not None:
                for used in used_by(provider) or (Used(LOCAL),):
                    self._on_used(kind, used)

    def _switched(self, switch: Switch) -> None:
        self._on_problem(ProviderError(str(switch), provider=switch.lost))
