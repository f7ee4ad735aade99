"""One conversation with an agent, without telephone and sound: the same talk, on a clock that is moved."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Self

from getpatter.agent import Agent
from getpatter.audio.format import LINE
from getpatter.clock import Clock, SystemClock
from getpatter.conversation.actions import Farewell
from getpatter.conversation.conversation import Conversation, Services
from getpatter.conversation.pacer import Pacer
from getpatter.conversation.persona import CallFacts
from getpatter.conversation.prompt import fill
from getpatter.errors import PatterError
from getpatter.events import (
    CallAnswered,
    CallEnded,
    CallEnding,
    DtmfPressed,
    Event,
    Problem,
    SpeechEnded,
    SpeechStarted,
    ToolCalled,
)
from getpatter.tools.mcp import McpTools
from getpatter.tools.tool import Tool
from getpatter.trying.outside import Outside, WatchedWebhooks, watched, watched_tool
from getpatter.trying.passing_time import PassingTime
from getpatter.trying.record import Record
from getpatter.trying.text_ear import TextEar
from getpatter.trying.text_voice import WORD_S, Spoken, TextVoice
from getpatter.trying.typed_caller import TypedCaller

CALLER, CALLEE = "+15550000001", "+15550000002"
TURN_LIMIT_S = 300.0
"""An answer that is not over by then never will be: a model that does not come to an end, or tools that go on."""

TYPED_WORD_S = 0.05
"""A word of the caller's where somebody sits and waits: they have taken their time when they typed it."""
WAITS_FOR_THE_CALLER = "collect_digits"
"""The tool that has an agent say something and then wait for keys."""
_OF_THE_CALL = ("end_call", "transfer_call", "send_dtmf", WAITS_FOR_THE_CALLER, "handoff_to")
"""Names of tools that every agent may have."""


def new_call_id() -> str:
    return f"test_{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told what, as it happens."""

    event: Callable[[Event], None] | None = None
    sound: Callable[[Spoken], None] | None = None
    """A sentence of the agent that sounds, and is further on than before."""


class TrialCall:
    """Enter it, and the agent is on the line; then let somebody `say` something and let time pass.

        async with TrialCall(agent) as call:
            await call.settled()
            call.say("Do you have a table for two?")
            await call.settled()

    Time stands still between the calls of `settled` and `until`.  Recogniser, voice, turn detector and filters of the
    agent are left out, as there is no sound; all else of it is at work.
    """

    def __init__(
        self,
        agent: Agent,
        *,
        call_id: str = "",
        paced: bool = False,
        listeners: Listeners | None = None,
        real: Clock | None = None,
    ) -> None:
        """`paced` has the conversation take as long as it would on the telephone."""
        self.call_id = call_id or new_call_id()
        self.events: list[Event] = []
        self.ended: CallEnded | None = None
        self.outside = Outside()
        self.voice = TextVoice()
        self._ear = TextEar()
        self._listeners = listeners or Listeners()
        self._real = real or SystemClock()
        self._time = PassingTime(self.outside, paced=paced, real=self._real)
        self._agent = agent
        self.caller = TypedCaller(
            self._time.clock,
            stop_s=agent.turns.vad_stop_s,
            word_s=TYPED_WORD_S if paced else WORD_S,
            on_word=self._word,
        )
        self.agent_sounding = False
        self._farewell: Farewell | None = None
        self._error: PatterError | None = None
        self._ending = False
        self._transferred_to = ""
        self._plays_until = 0.0
        self._answered_at = self._time.clock.wall()
        self._stack = AsyncExitStack()
        self._talk: Conversation

    @property
    def clock(self) -> Clock:
        return self._time.clock

    @property
    def system_prompt(self) -> str:
        return fill(self._agent.system_prompt, self._agent.variables)

    @property
    def record(self) -> Record:
        return Record(tuple(self.events), self.system_prompt)

    # -- life

    async def __aenter__(self) -> Self:
        """Raises `PatterError` where the agent cannot be used."""
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _open(self) -> None:
        webhooks = WatchedWebhooks(self.outside) if _has_webhooks(self._agent) else None
        if webhooks is not None:
            self._stack.push_async_callback(webhooks.close)
        agent = await self._with_mcp(watched(self._agent, self.outside))
        pacer = Pacer(self._time.clock)
        self._stack.callback(pacer.close)
        self._talk = Conversation(
            CallFacts(self.call_id, CALLER, CALLEE),
            replace(agent, stt=self._ear, tts=self.voice, turn_detector=None, audio_filters=()),
            Services(self.caller, pacer, self._time.clock, webhooks),
            publish=self._publish,
            hang_up=self._hang_up,
            transfer=self._transfer,
        )
        self._stack.push_async_callback(self._talk.close)
        await self._talk.prepare()
        self._publish(CallAnswered(call_id=self.call_id, at=self._time.clock.wall()))
        self._talk.start(self)

    async def _with_mcp(self, agent: Agent) -> Agent:
        """The tools of its MCP servers among the agent's own, so that they can be watched."""
        servers = McpTools(agent.mcp_servers, clock=self._real, on_problem=self._problem)
        self._stack.push_async_callback(servers.close)
        taken = [*_OF_THE_CALL, *(tool.name for tool in agent.tools)]
        offered: list[Tool] = await servers.connect(taken)
        more = tuple(watched_tool(tool, self.outside) for tool in offered)
        return replace(agent, tools=agent.tools + more, mcp_servers=())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up("the conversation was left")

    async def hang_up(self, reason: str = "the caller hung up") -> None:
        """The caller ends the call; nothing happens when it is over."""
        if self.ended is None:
            await self._close(self._farewell or Farewell("caller", reason))

    async def _close(self, farewell: Farewell) -> None:
        closing = asyncio.ensure_future(self._stack.aclose())
        with self.outside.work():  # tools that change something are waited for
            await self._time.until(closing.done)
        await closing
        self.agent_sounding = False
        self.ended = CallEnded(
            call_id=self.call_id,
            at=self._time.clock.wall(),
            outcome="answered",
            ended_by=farewell.ended_by,
            reason=farewell.reason,
            duration_s=self._time.clock.wall() - self._answered_at,
            error_code=self._error.code if self._error else "",
            error=self._error.message if self._error else "",
        )
        self._publish(self.ended)

    # -- the caller

    def say(self, text: str) -> None:
        """The caller begins to say this, whatever the agent does."""
        if self.ended is None:
            self.caller.say(text)

    def press(self, digits: str) -> None:
        """The caller presses keys."""
        for digit in digits if self.ended is None else "":
            self._publish(DtmfPressed(call_id=self.call_id, at=self._time.clock.wall(), role="caller", digit=digit))
            self._talk.press(digit)

    def transfer(self, number: str) -> None:
        """Connect the caller to this number, as if the agent had done it."""
        self._transferred_to = number

    # -- time

    async def settled(self) -> None:
        """Let time pass until nobody speaks and nobody is about to; closes the call when it is over.

        Raises `TimeoutError` when that takes longer than `TURN_LIMIT_S`.
        """
        if not await self.until(lambda: self.settles, limit_s=TURN_LIMIT_S):
            raise TimeoutError(f"The agent has not come to an end within {TURN_LIMIT_S:g} s.")

    async def until(self, done: Callable[[], bool], *, limit_s: float) -> bool:
        """Let time pass until `done` or the end of the call; False when `limit_s` passed before.  Closes a call that
        is over."""
        if self.ended is not None:
            return True
        came = await self._time.until(lambda: self._over or done(), limit_s=limit_s)
        if self._over:
            assert self._farewell is not None
            await self._close(self._farewell)
        return came

    @property
    def settles(self) -> bool:
        """Nothing is under way."""
        return self.caller.silent and self._talk.idle and not self.outside.busy and not self.agent_sounding

    @property
    def said_all_but(self) -> float | None:
        """Seconds of its answer that the agent has yet to say, when it will say nothing else; None while it may."""
        if not self.agent_sounding or self._ending or self.outside.busy or not self.caller.silent:
            return None
        if any(name != WAITS_FOR_THE_CALLER for name in self.outside.asked.values()):
            return None
        return sum(spoken.left_s for spoken in self.voice.pending)

    @property
    def awaits_keys(self) -> bool:
        """The agent has said what it had to say, and a tool of its waits for the caller to press keys."""
        return self.said_all_but == 0 and bool(self.outside.asked)

    @property
    def _over(self) -> bool:
        """Somebody hung up, or the caller was transferred and what was said of it was heard."""
        gone = self._transferred_to and not (self.agent_sounding or self.outside.busy or self.outside.asked)
        if self._farewell is None and gone:
            self._farewell = Farewell("agent", f"the caller was transferred to {self._transferred_to}")
        return self._farewell is not None

    # -- for the conversation: the line

    def play(self, audio: bytes, plays_at: float) -> None:
        self._plays_until = plays_at + len(audio) / LINE.rate
        for spoken in self.voice.played(audio):
            if self._listeners.sound is not None:
                self._listeners.sound(spoken)

    def mark(self, name: str) -> None:
        self._time.clock.call_at(self._plays_until, partial(self._talk.mark_played, name))

    def clear(self) -> None:
        self.voice.cleared()

    # -- and what it tells

    def _word(self, word: str) -> None:
        if self._ear.recognition is not None:
            self._ear.recognition.tell(word)

    def _publish(self, event: Event) -> None:
        if self.ended is not None and event is not self.ended:
            return
        self.events.append(event)
        self._ending = self._ending or isinstance(event, CallEnding)
        if self._listeners.event is not None:
            self._listeners.event(event)
        if isinstance(event, ToolCalled):
            self.outside.asked.pop(event.tool_call_id, None)
        elif isinstance(event, SpeechStarted | SpeechEnded) and event.role == "agent":
            self.agent_sounding = isinstance(event, SpeechStarted)
            if not self.agent_sounding:
                self.voice.forget()
                self.outside.asked.clear()  # what was not begun by then never will be

    def _hang_up(self, farewell: Farewell, error: PatterError | None) -> None:
        self._farewell, self._error = farewell, error

    async def _transfer(self, number: str, summary: str) -> None:
        self.transfer(number)

    def _problem(self, error: PatterError) -> None:
        self._publish(Problem(call_id=self.call_id, at=self._time.clock.wall(), code=error.code, message=error.message))


def _has_webhooks(agent: Agent) -> bool:
    """To make a client for them takes longer than most trials."""
    return any(tool.webhook_url for tool in agent.tools) or any(_has_webhooks(other) for other in agent.handoffs)
