"""A conversation: the asyncio shell around the turn machine.

It carries out what `turns` decides and tells it what happens.  It knows a line, an agent and a clock; of carriers,
sockets and the store it knows nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from getpatter.agent import Agent
from getpatter.clock import Clock
from getpatter.conversation import actions
from getpatter.conversation.acting import Acting, Press, Transfer
from getpatter.conversation.actions import Farewell
from getpatter.conversation.ambience import AmbientLine
from getpatter.conversation.attention import Attention
from getpatter.conversation.caller_words import CallerWords
from getpatter.conversation.delivery import Delivery
from getpatter.conversation.ears import Listener
from getpatter.conversation.first_message import first_message
from getpatter.conversation.hearing import Hearing
from getpatter.conversation.history import History
from getpatter.conversation.log import ConversationLog
from getpatter.conversation.manner import for_one_call, lines_of, rules_of
from getpatter.conversation.mind import Speech
from getpatter.conversation.minds import mind_for
from getpatter.conversation.outbound import Outbound
from getpatter.conversation.pacer import Pacer
from getpatter.conversation.persona import CallFacts, Persona
from getpatter.conversation.replies import Replies
from getpatter.conversation.speaker import Line, Speaker
from getpatter.conversation.timers import Timers
from getpatter.conversation.turn_taking import TurnTaking
from getpatter.conversation.turns import Stage, TurnMachine
from getpatter.errors import PatterError, first_of
from getpatter.events import Event
from getpatter.llm.base import ToolCall
from getpatter.pricing.pricer import Pricer
from getpatter.tools.builtin import TRANSFER_CALL
from getpatter.tools.mcp import McpTools
from getpatter.tools.run import ToolOutcome
from getpatter.tools.webhook import WebhookClient
from getpatter.tts.rendered import RenderedStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What all conversations of a process share."""

    listening: Listener
    pacer: Pacer
    clock: Clock
    webhooks: WebhookClient | None = None
    """For tools that live elsewhere."""
    rendered: RenderedStore = field(default_factory=RenderedStore)
    """First messages that were spoken in advance."""
    pricer: Pricer = field(default_factory=Pricer)


HangUp = Callable[[Farewell, PatterError | None], None]
"""Told once that the call is to end now; the error is what forced it."""


class Conversation:
    """One call's talk: `prepare` while it rings, `start` when the line is open, `close` at the end, whatever it was."""

    def __init__(
        self,
        call: CallFacts,
        agent: Agent,
        services: Services,
        *,
        publish: Callable[[Event], None],
        hang_up: HangUp,
        transfer: Transfer | None = None,
        press: Press | None = None,
    ) -> None:
        """`transfer` and `press` ask the carrier; without `press` keys sound in our own audio."""
        self._call_id = call.call_id
        self._agent = self._acts_as = agent
        self._services = services
        self._clock = clock = services.clock
        self._hang_up = hang_up
        self._log = ConversationLog(call.call_id, clock, publish, services.pricer)
        self._outbound = Outbound(call, agent, clock, self)
        self._machine = TurnMachine(for_one_call(agent.turns), lines_of(agent), rules_of(agent, self._outbound))
        self._turns = TurnTaking(
            self._machine,
            clock,
            perform=self._perform,
            over=self._over,
            deaf=partial(self._provider_failed, can_speak=True),
        )
        self._attention = Attention(self._turns, self._outbound.watch)
        self._acting = self._hands(transfer, press)
        self._persona = Persona(
            call,
            agent,
            self._acting,
            clock,
            webhooks=services.webhooks,
            on_problem=self._log.problem,
            on_late_result=self._late_result,
        )
        self._history = History(self._persona.prompt)
        first = first_message(agent, self._persona.wording, services.rendered, clock, self._log.first_message)
        self._mind = mind_for(
            call.call_id, agent, self._persona, self._history, self._log, clock, first, news=self._attention
        )
        self._mcp = McpTools(agent.mcp_servers, clock=clock, on_problem=self._log.problem)
        self._timers: Timers[actions.TimerName] = Timers(clock, self._timer_due)
        self._hearing = Hearing(call.call_id, agent, services.listening, clock, self._log, self._attention)
        self._words = CallerWords(self._persona, self._log, clock)
        self._delivery: Delivery
        """From `start` on, as is the speaker."""
        self._speaker: Speaker
        self._ambience: AmbientLine | None = None
        self._started = False
        self._error: PatterError | None = None
        self._machine_listens = False
        self._closed = False

    def _hands(self, transfer: Transfer | None, press: Press | None) -> Acting:
        """What the agent's tools do with this call."""
        return Acting(
            self._clock,
            end=self._turns.agent_ends,
            speech=self._speech,
            become=self._hand_over,
            transfer=transfer,
            press=press,
            sound=self._sound,
            gone=self._transferred,
            attention=self._attention,
            pressed=self._keys_sent,
        )

    # -- life

    async def prepare(self, phrases: tuple[str, ...] = ()) -> None:
        """Open what listens and speaks.  Raises `ProviderError`; `close` is due all the same."""
        taken = self._persona.toolbox.names
        # With one that fails the others end before it is told, so that `close` finds all that was opened.
        try:
            async with asyncio.TaskGroup() as opening:
                connecting = opening.create_task(self._mcp.connect(taken))
                opening.create_task(self._mind.prepare(phrases))
                opening.create_task(self._hearing.prepare_detector())
        except BaseExceptionGroup as errors:
            raise first_of(errors) from None
        self._persona.connect(connecting.result())
        self._hearing.attach(self._mind, self._persona.hooks)

    @property
    def recogniser(self) -> str:
        """What recognises the caller's speech, once prepared."""
        return self._hearing.recogniser

    @property
    def idle(self) -> bool:
        """Nobody speaks, nobody is about to, and nothing waits for an answer: only the clock can go on."""
        return self._machine.idle

    @property
    def machine_listens(self) -> bool:
        """A machine took the call and its greeting is over: what is said now is recorded."""
        return self._machine_listens

    def start(self, line: Line) -> None:
        """The line is open."""
        self._started = True
        line = self._hearing.line(line)
        if self._agent.background is not None:
            track = self._agent.background.open()
            line = self._ambience = AmbientLine(line, track, self._services.pacer, self._clock)
        self._speaker = Speaker(
            line,
            self._services.pacer,
            self._clock,
            on_audible=self._audible,
            on_finished=self._finished,
        )
        if self._ambience is not None:
            self._ambience.under(self._speaker.sending)
        self._delivery = Delivery(
            replies=Replies(self._call_id, self._mind, self._speaker, self._history, self._log, self._provider_failed),
            speaker=self._speaker,
            hearing=self._hearing,
            persona=self._persona,
            history=self._history,
            words=self._words,
            outbound=self._outbound,
            log=self._log,
            clock=self._clock,
        )
        # A greeting answers what came before it, and must not be interrupted by it.
        self._hearing.start(self._speaker, from_early=not self._agent.first_message)
        self._outbound.start(self._hearing.tap)
        self._perform(self._machine.on_start(self._clock.now()))

    async def close(self) -> None:
        """Stop everything; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._timers.stop_all()
        self._outbound.close()
        if self._ambience is not None:
            self._ambience.close()
        if self._started:
            await self._delivery.replies.close()
            if self._machine.words_due:
                await self._hearing.last_words(asked=not self._machine.caller_speaking)
        await self._words.close(self._machine.unanswered)
        await self._hearing.close()
        await asyncio.gather(self._mind.close(), self._close_tools())

    async def _close_tools(self) -> None:
        await self._persona.close()
        await self._mcp.close()  # not before: its tools may be at work

    # -- from the line

    def hear(self, audio: bytes) -> None:
        """A run of line audio from the far end."""
        self._hearing.hear(audio)

    def mark_played(self, name: str) -> None:
        if self._started:
            self._speaker.mark_played(name)

    def press(self, digit: str) -> None:
        """The caller pressed a key."""
        if self._started and not self._acting.key(digit):
            self._perform(self._machine.on_key(digit, self._clock.now()))

    def machine_detected(self, *, greeting_ended: bool) -> None:
        """The carrier found an answering machine."""
        self._outbound.told_machine(greeting_ended=greeting_ended)
        self._perform(self._machine.on_machine(self._clock.now(), greeting_ended=greeting_ended))

    def human_detected(self) -> None:
        """The carrier takes whoever answered for a person."""
        self._outbound.told_human()

    # -- from above

    async def give_away(self, transfer: Callable[[], Awaitable[None]]) -> None:
        """Have somebody else take the caller, who is on hold meanwhile.  Raises what `transfer` raises."""
        await self._acting.give_away(transfer)

    async def send_dtmf(self, digits: str) -> None:
        """Press keys, once what is being said was heard.  Raises `CarrierError`, and `ToolError` when the caller
        speaks before it is done."""
        await self._acting.press_keys(digits)

    def shut_down(self) -> None:
        """The engine stops: say so and hang up."""
        self._perform(self._machine.on_shutdown(self._clock.now()))

    # -- what the machine decides

    def _perform(self, decided: Sequence[actions.Action]) -> None:
        for action in decided:
            if self._closed:
                if isinstance(action, actions.StartReply):
                    self._words.too_late(action.text)
                continue
            match action:
                case actions.StartTimer(name, at):
                    self._timers.start(name, at)
                case actions.StopTimer(name):
                    self._timers.stop(name)
                case actions.FinalizeTranscript():
                    self._hearing.finalize()
                case actions.JudgeTurn():
                    self._hearing.judge()
                case actions.Ending(farewell):
                    self._log.ending(farewell)
                case actions.HangUp(farewell):
                    self._delivery.replies.conclude(interrupted=False)
                    self._hang_up(farewell, self._error)
                case _:
                    self._delivery.perform(action)

    # -- what took the call

    def machine_found(self, reason: str) -> None:
        self._log.machine(reason)
        self._perform(self._machine.on_machine(self._clock.now(), greeting_ended=False))

    def machine_greeted(self) -> None:
        self._machine_listens = True
        self._perform(self._machine.on_machine(self._clock.now(), greeting_ended=True))

    # -- the agent

    def _over(self) -> str:
        return self._delivery.said

    def _speech(self) -> Speech | None:
        return self._delivery.speech

    def _audible(self, now: float) -> None:
        self._delivery.audible(now)
        self._perform(self._machine.on_agent_audible(now))

    def _finished(self, now: float) -> None:
        if self._delivery.finished():
            self._perform(self._machine.on_agent_finished(now))

    def _sound(self, audio: bytes) -> None:
        self._speaker.sound(audio)

    def _keys_sent(self, digits: str) -> None:
        self._log.keys(digits)
        self._outbound.pressed()

    def _transferred(self) -> None:
        self._delivery.replies.leave()

    def _hand_over(self, name: str, reason: str) -> str:
        other = next(agent for agent in self._acts_as.handoffs if agent.name == name)
        self._persona.become(other)
        self._acts_as = other
        self._history.system_prompt = self._persona.prompt
        self._log.handed_over(name, reason)
        return self._persona.prompt

    def _late_result(self, call: ToolCall, outcome: ToolOutcome) -> None:
        self._history.add_tool_result(call.id, outcome.result)
        self._log.tool(call, outcome)
        if call.name == TRANSFER_CALL and outcome.error and not self._closed:
            # The caller waits for somebody who will not come, and no reply waits for the tool that could tell them.
            self._perform(self._machine.on_news(self._acts_as.transfer_failed_message))

    def _provider_failed(self, error: PatterError, can_speak: bool) -> None:
        if self._closed or self._machine.stage is Stage.ENDED:
            return
        self._log.problem(error)
        decided = self._machine.on_failure(error.message, self._clock.now(), can_speak=can_speak)
        if decided:
            self._error = self._error or error
        self._perform(decided)

    def _timer_due(self, name: actions.TimerName) -> None:
        sounding, on_hold = self._speaker.sounding, self._acting.transferring
        self._perform(self._machine.on_timer(name, self._clock.now(), sounding=sounding, on_hold=on_hold))
