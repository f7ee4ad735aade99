"""A mind that is one speech-to-speech engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.conversation.engine_link import EngineLink
from getpatter.conversation.engine_speech import EngineCall, EngineSpeech
from getpatter.conversation.engine_voice import EngineVoice
from getpatter.conversation.history import History
from getpatter.conversation.leading_ear import EngineNews
from getpatter.conversation.mind import Speech
from getpatter.conversation.persona import Persona
from getpatter.conversation.reply import ToolRun
from getpatter.conversation.speaker import Speaker
from getpatter.conversation.timing import Timing
from getpatter.engines.base import EngineConfig, Gated, RealtimeEngine
from getpatter.errors import PatterError
from getpatter.events import UsedFor
from getpatter.llm.base import Message
from getpatter.metering import LOCAL, Used
from getpatter.stt.base import Intake, Recognition


@dataclass(frozen=True, slots=True)
class _Spoken:
    """Most engines are paid by the second that they listen, so they are given what is said and not the silence between;
    those that decide when the caller has finished need it."""

    continuous: bool
    format: AudioFormat = LINE


class RealtimeMind:
    """One call's; a `Mind`.

    The engine is told which turns to answer, what of its answers was heard, and what became of its tools; in all else
    it follows its own configuration, which is the agent's.  One that manages turns tells when it has taken one.  Hooks
    on the model's messages and responses have no place in it, nor have text transforms, save on words of our own.
    """

    def __init__(
        self,
        engine: RealtimeEngine,
        language: str,
        *,
        persona: Persona,
        history: History,
        clock: Clock,
        on_tool: ToolRun,
        on_first_token: Callable[[str], None],
        on_problem: Callable[[PatterError], None],
        on_used: Callable[[UsedFor, Used], None],
        news: EngineNews,
        greets: bool,
    ) -> None:
        """`greets`: the agent speaks first."""
        self._engine = engine
        self._language = language
        self._persona = persona
        self._history = history
        self._greets = greets
        self._on_used = on_used
        self._closed = False
        self._link = EngineLink(engine, self._config, clock, on_problem, news)
        self._call = EngineCall(
            self._link,
            persona,
            history,
            clock,
            on_tool,
            on_first_token=lambda: on_first_token(engine.name),
            on_problem=on_problem,
        )

    async def prepare(self, phrases: Sequence[str]) -> None:
        await self._link.open(greets=self._greets)

    @property
    def hears_as(self) -> Intake:
        return _Spoken(continuous=self._engine.manages_turns)

    @property
    def recognition(self) -> Recognition:
        return self._link.ear

    @property
    def needs_words(self) -> bool:
        return isinstance(self._engine, Gated) and self._engine.needs_words

    def begin(self, speaker: Speaker, timing: Timing, messages: Callable[[], Sequence[Message]]) -> Speech:
        voice = EngineVoice(speaker, self._persona, self._engine.output_format)
        return EngineSpeech(self._call, voice, timing, messages)

    async def close(self) -> None:
        tools = list(self._call.tools)
        for task in tools:
            task.cancel()
        await asyncio.gather(*tools, return_exceptions=True)
        await self._link.close()
        if not self._closed:
            self._closed = True
            for used in self._link.used or (Used(LOCAL),):
                self._on_used("engine", used)

    def _config(self) -> EngineConfig:
        said = [message for message in self._history.messages() if message.role != "system"]
        return EngineConfig(self._persona.prompt, self._persona.toolbox.specs, self._language, said)
