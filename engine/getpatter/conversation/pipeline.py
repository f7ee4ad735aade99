"""A conversation by recogniser, language model and voice: the asyncio shell around the turn machine.

It carries out what `turns` decides and tells it what happens.  It knows a line, an agent and a clock; of carriers,
sockets and the store it knows nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from getpatter.agent import Agent
from getpatter.audio.activity import SpeechDetector
from getpatter.audio.format import LINE
from getpatter.clock import Clock, TimerHandle, deadline
from getpatter.conversation import turns
from getpatter.conversation.ears import Ears, Listener
from getpatter.conversation.history import History, ReplyEntry
from getpatter.conversation.log import ConversationLog
from getpatter.conversation.pacer import Pacer
from getpatter.conversation.reply import Reply, Timing
from getpatter.conversation.speaker import Line, Speaker
from getpatter.conversation.tools import EndCall, Toolbox
from getpatter.conversation.turns import Farewell, State, TurnMachine
from getpatter.errors import PatterError, ProviderError
from getpatter.events import Event
from getpatter.llm.base import ToolCall
from getpatter.stt.base import Recognition, SpeechHints
from getpatter.tts.base import Voice

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What all conversations of a process share."""

    listening: Listener
    pacer: Pacer
    clock: Clock


EARLY_BYTES = 2 * LINE.bytes_per_second
"""What a caller says while recogniser and voice are still being opened is kept up to this much."""

CLOSE_S = 5.0
"""Longest that a provider may take to close."""

HangUp = Callable[[Farewell, PatterError | None], None]
"""Told once that the call is to end now; the error is what forced it."""


class Conversation:
    """One call's talk: `prepare` while it rings, `start` when the line is open, `close` at the end, whatever it was."""

    def __init__(
        self,
        call_id: str,
        agent: Agent,
        services: Services,
        *,
        publish: Callable[[Event], None],
        hang_up: HangUp,
    ) -> None:
        self._call_id = call_id
        self._agent = agent
        self._services = services
        self._clock = services.clock
        self._hang_up = hang_up
        self._log = ConversationLog(call_id, services.clock, publish)
        self._machine = TurnMachine(agent.turns, _lines(agent))
        self._history = History(agent.system_prompt)
        self._toolbox = Toolbox([EndCall(self._agent_ends)])
        self._speaker: Speaker
        """From `start` on, as are the ears."""
        self._ears: Ears | None = None
        self._early = bytearray()
        self._recognition: Recognition | None = None
        self._voice: Voice | None = None
        self._transcribing: asyncio.Task[None] | None = None
        self._replying: asyncio.Task[None] | None = None
        self._retired: set[asyncio.Task[None]] = set()
        self._reply: Reply | None = None
        self._entry: ReplyEntry | None = None
        self._timers: dict[turns.TimerName, TimerHandle] = {}
        self._timing = Timing()
        self._error: PatterError | None = None
        self._closed = False

    # -- life

    async def prepare(self, phrases: tuple[str, ...] = ()) -> None:
        """Open recogniser and voice.  Raises `ProviderError`; `close` is due all the same."""
        agent = self._agent
        hints = SpeechHints(agent.language, agent.phrases + phrases)
        self._recognition = await agent.stt.open(hints)
        self._voice = await agent.tts.open(agent.language)

    @property
    def recogniser(self) -> str:
        """What recognises the caller's speech, once prepared."""
        return self._recognition.name if self._recognition is not None else self._agent.stt.name

    def start(self, line: Line) -> None:
        """The line is open."""
        assert self._recognition is not None
        self._speaker = Speaker(
            line, self._services.pacer, self._clock, on_audible=self._audible, on_finished=self._finished
        )
        settings = self._agent.turns
        self._ears = Ears(
            self._services.listening,
            SpeechDetector(start_s=settings.vad_start_s, stop_s=settings.vad_stop_s),
            on_started=self._speech_started,
            on_ended=self._speech_ended,
        )
        self._ears.attach(self._recognition, self._agent.stt)
        if not self._agent.first_message:
            # Else the greeting answers it, and must not be interrupted by what came before it.
            self._ears.hear(bytes(self._early))
        self._early.clear()
        self._transcribing = asyncio.create_task(self._transcribe(), name=f"{self._call_id} transcripts")
        self._perform(self._machine.on_start(self._clock.now()))

    async def close(self) -> None:
        """Stop everything; may be called twice."""
        if self._closed:
            return
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._ears is not None:
            self._ears.close()
        self._withdraw(barge_in=False)
        if unanswered := self._machine.unanswered:
            self._log.caller_turn(unanswered)
        tasks = [task for task in (self._transcribing, *self._retired) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for provider in (self._recognition, self._voice):
            if provider is not None:
                await self._let_go(provider)

    async def _let_go(self, provider: Recognition | Voice) -> None:
        try:
            async with deadline(self._clock, self._clock.now() + CLOSE_S):
                await provider.close()
        except TimeoutError:
            log.warning("call %s: a provider did not close within %g s", self._call_id, CLOSE_S)
        except Exception:  # a provider's fault at the end must not keep the line open
            log.exception("call %s: a provider could not be closed", self._call_id)

    # -- from the line

    def hear(self, audio: bytes) -> None:
        """A run of line audio from the far end."""
        if self._ears is not None:
            self._ears.hear(audio)
        elif len(self._early) < EARLY_BYTES:
            self._early += audio

    def mark_played(self, name: str) -> None:
        if self._ears is not None:
            self._speaker.mark_played(name)

    def machine_detected(self, *, greeting_ended: bool) -> None:
        """The carrier found an answering machine."""
        self._perform(self._machine.on_machine(self._clock.now(), greeting_ended=greeting_ended))

    # -- from above

    def shut_down(self) -> None:
        """The engine stops: say so and hang up."""
        self._perform(self._machine.on_shutdown(self._clock.now()))

    def _agent_ends(self) -> None:
        farewell = Farewell("agent", "the agent ended the call")
        self._perform(self._machine.on_end_requested(farewell, self._clock.now()))

    # -- what the machine decides

    def _perform(self, actions: list[turns.Action]) -> None:
        for action in actions:
            if self._closed:
                return
            match action:
                case turns.StartTimer(name, at):
                    self._start_timer(name, at)
                case turns.StopTimer(name):
                    self._stop_timer(name)
                case turns.FinalizeTranscript():
                    assert self._recognition is not None
                    self._recognition.finalize()
                case turns.StartReply(text):
                    self._answer(text)
                case turns.Say(text):
                    self._begin_reply(partial(Reply.say, text=text))
                case turns.CancelReply(barge_in):
                    self._withdraw(barge_in=barge_in)
                case turns.Ending(farewell):
                    self._log.ending(farewell)
                case turns.HangUp(farewell):
                    self._conclude_reply(interrupted=False)
                    self._hang_up(farewell, self._error)

    def _answer(self, text: str) -> None:
        self._timing.final = self._clock.now()
        self._history.add_user(text)
        self._log.caller_turn(text)
        self._begin_reply(Reply.answer)

    def _begin_reply(self, speak: Callable[[Reply], Awaitable[None]]) -> None:
        assert self._voice is not None
        assert self._ears is not None
        timing, self._timing = self._timing, Timing()
        self._ears.reset()
        self._speaker.begin()
        self._entry = self._history.begin_reply()
        self._reply = Reply(
            llm=self._agent.llm,
            voice=self._voice,
            voice_format=self._agent.tts.format,
            speaker=self._speaker,
            history=self._history,
            entry=self._entry,
            toolbox=self._toolbox,
            clock=self._clock,
            timing=timing,
            on_tool=self._tool_called,
        )
        self._replying = asyncio.create_task(self._run_reply(self._reply, speak), name=f"{self._call_id} reply")

    async def _run_reply(self, reply: Reply, speak: Callable[[Reply], Awaitable[None]]) -> None:
        try:
            await speak(reply)
        except ProviderError as error:
            self._provider_failed(error, can_speak=not reply.voice_lost)
        except Exception as error:  # a tool's or our own fault ends this call, not the process
            log.exception("call %s: the reply failed", self._call_id)
            self._provider_failed(PatterError(f"The reply failed: {type(error).__name__}."), can_speak=False)

    def _withdraw(self, *, barge_in: bool) -> None:
        """Stop the reply under way and keep what was heard of it."""
        if self._reply is not None:
            self._reply.withdrawn = True
        task, self._replying = self._replying, None
        if task is not None and not task.done():
            self._retired.add(task)
            task.add_done_callback(self._retired.discard)
            if task is not asyncio.current_task():
                task.cancel()
        if self._reply is None:
            return
        self._conclude_reply(interrupted=True)
        if barge_in:
            self._log.barge_in()

    def _conclude_reply(self, *, interrupted: bool) -> None:
        """Write down what was heard of the current reply, if there is one."""
        reply, entry = self._reply, self._entry
        if reply is None or entry is None:
            return
        self._reply = self._entry = None
        heard = self._speaker.cut() if interrupted else self._speaker.heard()
        entry.heard(heard.text, interrupted=interrupted and not heard.all)
        self._log.agent_turn(heard, reply.timing, interrupted=interrupted)

    # -- what happens

    def _speech_started(self) -> None:
        self._log.speech_started()
        self._perform(self._machine.on_speech_started(self._clock.now()))

    def _speech_ended(self, silence_s: float) -> None:
        now = self._clock.now()
        self._timing.endpoint, self._timing.last_speech = now, now - silence_s
        self._log.speech_ended(silence_s)
        self._perform(self._machine.on_speech_ended(now))

    async def _transcribe(self) -> None:
        assert self._recognition is not None
        try:
            async for transcript in self._recognition.transcripts():
                if transcript.final:
                    self._perform(self._machine.on_transcript(transcript.text, self._clock.now()))
                elif transcript.text:
                    self._log.interim(transcript.text)
            self._provider_failed(ProviderError("The recogniser stopped."), can_speak=True)
        except ProviderError as error:
            self._provider_failed(error, can_speak=True)
        except Exception as error:  # a recogniser's or our own fault ends this call, not the process
            log.exception("call %s: the recognition failed", self._call_id)
            self._provider_failed(PatterError(f"The recognition failed: {type(error).__name__}."), can_speak=True)

    def _audible(self, now: float) -> None:
        assert self._reply is not None
        self._reply.timing.first_frame = now
        self._log.agent_audible()
        self._perform(self._machine.on_agent_audible(now))

    def _finished(self, now: float) -> None:
        self._conclude_reply(interrupted=False)
        self._perform(self._machine.on_agent_finished(now))

    def _tool_called(self, call: ToolCall, result: str, seconds: float) -> None:
        self._log.tool(call, result, seconds)

    def _provider_failed(self, error: PatterError, *, can_speak: bool) -> None:
        if self._closed or self._machine.state is State.ENDED:
            return
        self._log.problem(error)
        actions = self._machine.on_failure(error.message, self._clock.now(), can_speak=can_speak)
        if actions:
            self._error = self._error or error
        self._perform(actions)

    # -- timers

    def _start_timer(self, name: turns.TimerName, at: float) -> None:
        self._stop_timer(name)
        self._timers[name] = self._clock.call_at(at, partial(self._timer_due, name))

    def _stop_timer(self, name: turns.TimerName) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()

    def _timer_due(self, name: turns.TimerName) -> None:
        self._timers.pop(name, None)
        self._perform(self._machine.on_timer(name, self._clock.now(), sounding=self._speaker.sounding))


def _lines(agent: Agent) -> turns.Lines:
    return turns.Lines(
        first_message=agent.first_message,
        still_there=agent.still_there_message,
        silence=agent.silence_message,
        time_limit=agent.time_limit_message,
        error=agent.error_message,
        shutdown=agent.shutdown_message,
        voicemail=agent.voicemail_message,
    )
