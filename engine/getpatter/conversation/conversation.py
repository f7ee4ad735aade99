"""A conversation: the asyncio shell around the turn machine.

It carries out what `turns` decides and tells it what happens.  It knows a line, an agent and a clock; of carriers,
sockets and the store it knows nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial

from getpatter.agent import Agent, TurnSettings
from getpatter.audio.activity import SpeechDetector
from getpatter.audio.filters.chain import open_chain
from getpatter.audio.format import LINE
from getpatter.clock import Clock
from getpatter.conversation import actions
from getpatter.conversation.acting import Acting, Transfer
from getpatter.conversation.actions import Farewell
from getpatter.conversation.backchannel import is_backchannel
from getpatter.conversation.caller_audio import CallerAudio
from getpatter.conversation.ears import Ears, Listener
from getpatter.conversation.history import History, UserEntry
from getpatter.conversation.hooked import HookedRecognition
from getpatter.conversation.log import ConversationLog
from getpatter.conversation.mind import Speech
from getpatter.conversation.pacer import Pacer
from getpatter.conversation.patience import extra_patience
from getpatter.conversation.persona import CallFacts, Persona
from getpatter.conversation.pipeline import Pipeline
from getpatter.conversation.prompt import fill
from getpatter.conversation.question import asked_for
from getpatter.conversation.reference import ReferenceLine
from getpatter.conversation.replies import Replies
from getpatter.conversation.self_hearing import SelfHearing
from getpatter.conversation.speaker import Line, Speaker
from getpatter.conversation.talk import Rules
from getpatter.conversation.timers import Timers
from getpatter.conversation.timing import Timing
from getpatter.conversation.turns import Stage, TurnMachine
from getpatter.errors import ExtensionError, PatterError, ProviderError
from getpatter.events import Event, TurnTrigger
from getpatter.llm.base import ToolCall
from getpatter.stt.base import Recognition, Transcript
from getpatter.tools.mcp import McpTools
from getpatter.tools.run import ToolOutcome
from getpatter.tools.webhook import WebhookClient

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What all conversations of a process share."""

    listening: Listener
    pacer: Pacer
    clock: Clock
    webhooks: WebhookClient | None = None
    """For tools that live elsewhere."""


EARLY_BYTES = 2 * LINE.bytes_per_second
"""What a caller says while recogniser and voice are still being opened is kept up to this much."""

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
    ) -> None:
        self._call_id = call.call_id
        self._agent = agent
        self._services = services
        self._clock = clock = services.clock
        self._hang_up = hang_up
        self._log = ConversationLog(call.call_id, clock, publish)
        self._machine = TurnMachine(_own(agent.turns), _lines(agent), _rules(agent))
        self._acting = Acting(
            clock, end=self._agent_ends, speech=self._speech, become=self._hand_over, transfer=transfer
        )
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
        self._mind = Pipeline(
            call.call_id,
            agent,
            persona=self._persona,
            history=self._history,
            clock=clock,
            on_tool=self._log.tool,
            on_first_token=self._log.first_token,
            on_problem=self._log.problem,
        )
        self._mcp = McpTools(agent.mcp_servers, clock=clock, on_problem=self._log.problem)
        self._timers: Timers[actions.TimerName] = Timers(clock, self._timer_due)
        self._recognition: Recognition
        """Once prepared."""
        self._hooked: HookedRecognition | None = None
        self._replies: Replies
        """From `start` on, as are speaker and ears."""
        self._speaker: Speaker
        self._ears: Ears | None = None
        self._hear: Callable[[bytes], None] = self._hear_early
        self._early = bytearray()
        self._filters = open_chain(agent.audio_filters, self._filter_failed)
        self._hearing_self: SelfHearing | None = None
        self._echoed = False
        """What was understood last was the agent itself."""
        self._caller_audio = CallerAudio() if agent.turn_detector is not None else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._said = ""
        """What was heard of the agent's latest utterance, once it is over."""
        self._timing = Timing()
        self._error: PatterError | None = None
        self._closed = False

    # -- life

    async def prepare(self, phrases: tuple[str, ...] = ()) -> None:
        """Open what listens and speaks.  Raises `ProviderError`; `close` is due all the same."""
        taken = self._persona.toolbox.names
        offered, _, _ = await asyncio.gather(
            self._mcp.connect(taken), self._mind.prepare(phrases), self._prepare_detector()
        )
        self._persona.connect(offered)
        self._recognition = self._mind.recognition
        hooks = self._persona.hooks
        if hooks.hooks.before_send_to_stt is not None:
            self._hooked = HookedRecognition(self._recognition, self._mind.hears_as.format, hooks)
            self._recognition = self._hooked

    async def _prepare_detector(self) -> None:
        if self._agent.turn_detector is not None:
            await self._agent.turn_detector.prepare()

    @property
    def recogniser(self) -> str:
        """What recognises the caller's speech, once prepared."""
        return self._recognition.name

    @property
    def idle(self) -> bool:
        """Nobody speaks, nobody is about to, and nothing waits for an answer: only the clock can go on."""
        return self._machine.idle

    def start(self, line: Line) -> None:
        """The line is open."""
        if self._filters is not None:
            line = ReferenceLine(line, self._filters)
        self._speaker = Speaker(
            line, self._services.pacer, self._clock, on_audible=self._audible, on_finished=self._finished
        )
        self._replies = Replies(
            self._call_id, self._mind, self._speaker, self._history, self._log, self._provider_failed
        )
        settings = self._agent.turns
        self._hearing_self = SelfHearing(self._speaker, self._clock) if settings.while_speaking.echo_guard else None
        self._ears = Ears(
            self._services.listening,
            SpeechDetector(start_s=settings.vad_start_s, stop_s=settings.vad_stop_s),
            on_started=self._speech_started,
            on_ended=self._speech_ended,
        )
        self._ears.attach(self._recognition, self._mind.hears_as)
        self._hear = self._hearers(self._ears)
        if not self._agent.first_message:
            # Else the greeting answers it, and must not be interrupted by what came before it.
            self._hear(bytes(self._early))
        self._early.clear()
        self._spawn(self._transcribe(), "transcripts")
        self._perform(self._machine.on_start(self._clock.now()))

    async def close(self) -> None:
        """Stop everything; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._timers.stop_all()
        if self._ears is not None:
            self._ears.close()
            await self._replies.close()
        if unanswered := self._machine.unanswered:
            self._log.caller_turn(unanswered)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._filters is not None:
            self._filters.close()
        await self._persona.close()
        if self._hooked is not None:
            await self._hooked.close()
        await asyncio.gather(self._mind.close(), self._mcp.close())

    def _spawn(self, work: Coroutine[None, None, None], what: str) -> None:
        task = asyncio.create_task(work, name=f"{self._call_id} {what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- from the line

    def hear(self, audio: bytes) -> None:
        """A run of line audio from the far end."""
        self._hear(audio)

    def _hear_early(self, audio: bytes) -> None:
        if len(self._early) < EARLY_BYTES:
            self._early += audio

    def _hearers(self, ears: Ears) -> Callable[[bytes], None]:
        """Who hears the caller: put together once, since it is called fifty times a second."""
        keep, filters = self._caller_audio, self._filters

        def kept(audio: bytes) -> None:
            assert keep is not None
            keep.append(audio)
            ears.hear(audio)

        hear = kept if keep is not None else ears.hear
        if filters is None:
            return hear
        return lambda audio: hear(filters.process(audio))

    def mark_played(self, name: str) -> None:
        if self._ears is not None:
            self._speaker.mark_played(name)

    def press(self, digit: str) -> None:
        """The caller pressed a key."""
        if self._ears is not None and not self._acting.key(digit):
            self._perform(self._machine.on_key(digit, self._clock.now()))

    def machine_detected(self, *, greeting_ended: bool) -> None:
        """The carrier found an answering machine."""
        self._perform(self._machine.on_machine(self._clock.now(), greeting_ended=greeting_ended))

    # -- from above

    def shut_down(self) -> None:
        """The engine stops: say so and hang up."""
        self._perform(self._machine.on_shutdown(self._clock.now()))

    # -- what the machine decides

    def _perform(self, decided: list[actions.Action]) -> None:
        for action in decided:
            if self._closed:
                return
            match action:
                case actions.StartTimer(name, at):
                    self._timers.start(name, at)
                case actions.StopTimer(name):
                    self._timers.stop(name)
                case actions.FinalizeTranscript():
                    self._recognition.finalize()
                case actions.JudgeTurn():
                    self._spawn(self._judge(), "turn detection")
                case actions.NoteWords(text):
                    self._history.add_user(text)
                    self._log.caller_turn(text)
                case actions.Ending(farewell):
                    self._log.ending(farewell)
                case actions.HangUp(farewell):
                    self._replies.conclude(interrupted=False)
                    self._hang_up(farewell, self._error)
                case _:
                    self._speak(action)

    def _speak(self, action: actions.Action) -> None:
        """What the machine decides about the agent's words."""
        replies, ears = self._replies, self._ears
        assert ears is not None
        match action:
            case actions.StartReply(text, trigger):
                self._answer(text, trigger)
            case actions.Say(text):
                ears.reset()
                replies.say(text)
            case actions.StartDraft(text):
                if not self._persona.revises:
                    replies.draft(text)
            case actions.DropDraft():
                replies.drop_draft()
            case actions.Interject(text):
                if replies.speech is not None:
                    replies.speech.interject(text)
            case actions.HoldReply():
                self._remember_own_words()
                self._speaker.hold()
                self._log.silenced()
            case actions.ResumeReply():
                ears.reset()
                self._speaker.release()
            case actions.Dismiss(kind):
                self._log.dismissed(replace(action, kind="echo") if self._echoed and kind == "noise" else action)
            case actions.CancelReply(barge_in):
                self._withdraw(barge_in=barge_in)

    def _answer(self, text: str, trigger: TurnTrigger) -> None:
        assert self._ears is not None
        timing, self._timing = self._timing, Timing()
        timing.committed = self._clock.now()
        if timing.final is None:
            timing.final = timing.committed
        self._ears.reset()
        if self._caller_audio is not None:
            self._caller_audio.clear()
        if self._persona.hooked:
            self._persona.hooks.remember(self._history.messages())
        if text and self._persona.revises:
            self._replies.answer(text, timing, partial(self._revise, trigger, timing))
            return
        if text:
            self._log.caller_turn(text)
        self._log.end_of_turn(trigger, timing)
        self._replies.answer(text, timing)

    async def _revise(self, trigger: TurnTrigger, timing: Timing, said: UserEntry) -> bool:
        """The hook after the transcript says what the caller said, and whether they are answered."""
        try:
            said.text = await self._persona.hooks.after_transcribe(said.text) or ""
        finally:
            timing.hooked = self._clock.now()
            if said.text:
                self._log.caller_turn(said.text)
            self._log.end_of_turn(trigger, timing)
        return bool(said.text)

    def _withdraw(self, *, barge_in: bool) -> None:
        since = self._clock.now() - self._log.detected_at if barge_in else None
        if barge_in:
            self._log.silenced()
        self._remember_own_words()
        self._said = self._speaker.heard().text
        self._replies.withdraw(cut_after_s=since)
        if barge_in:
            self._log.barge_in()

    # -- the caller

    def _speech_started(self) -> None:
        self._log.speech_started()
        now = self._clock.now()
        if self._timing.speech_began is None:
            self._timing.speech_began = now
        self._perform(self._machine.on_speech_started(now))

    def _speech_ended(self, silence_s: float) -> None:
        now = self._clock.now()
        self._timing.vad_stopped, self._timing.last_speech, self._timing.final = now, now - silence_s, None
        self._log.speech_ended(silence_s)
        self._perform(self._machine.on_speech_ended(now, silence_s))

    async def _transcribe(self) -> None:
        try:
            async for transcript in self._recognition.transcripts():
                self._understood(transcript)
            self._provider_failed(ProviderError("The recogniser stopped."), True)
        except ProviderError as error:
            self._provider_failed(error, True)
        except Exception as error:  # a recogniser's or our own fault ends this call, not the process
            log.exception("call %s: the recognition failed", self._call_id)
            self._provider_failed(PatterError(f"The recognition failed: {type(error).__name__}."), True)

    def _understood(self, transcript: Transcript) -> None:
        now, over, text = self._clock.now(), self._over, transcript.text
        self._echoed = self._is_own(transcript)
        if not transcript.final:
            if text and not self._echoed:
                self._log.interim(text)
                self._perform(self._machine.on_interim(text, now, over=over))
            return
        if self._timing.vad_stopped is not None and transcript.from_finalize:
            self._timing.final = now
        self._perform(
            self._machine.on_transcript(
                "" if self._echoed else text,
                now,
                from_finalize=transcript.from_finalize,
                end_of_turn=transcript.end_of_turn,
                over=over,
            )
        )

    def _is_own(self, transcript: Transcript) -> bool:
        """Whether it is the agent that was heard, come back from a speaker-phone."""
        if self._hearing_self is None or not transcript.text:
            return False
        began = self._timing.speech_began
        return self._hearing_self.is_own(transcript, self._clock.now() if began is None else began)

    def _remember_own_words(self) -> None:
        if self._hearing_self is not None:
            self._hearing_self.remember()

    async def _judge(self) -> None:
        detector, audio = self._agent.turn_detector, self._caller_audio
        assert detector is not None
        assert audio is not None
        try:
            probability = await detector.judge(audio.latest(), call_id=self._call_id)
        except ProviderError as error:
            self._log.problem(error)
            probability = None
        complete = None if probability is None else probability >= detector.threshold
        self._perform(self._machine.on_turn_judged(complete, self._clock.now()))

    # -- the agent

    @property
    def _over(self) -> str:
        """What was heard of the agent's latest utterance."""
        return self._speaker.heard().text if self._replies.speech is not None else self._said

    def _speech(self) -> Speech | None:
        return self._replies.speech

    def _audible(self, now: float) -> None:
        self._replies.audible(now)
        self._log.agent_audible()
        self._perform(self._machine.on_agent_audible(now))

    def _finished(self, now: float) -> None:
        said = self._speaker.heard().text
        self._remember_own_words()
        if self._replies.finished():
            self._said = said
            self._perform(self._machine.on_agent_finished(now))

    def _agent_ends(self, reason: str) -> None:
        farewell = Farewell("agent", reason or "the agent ended the call")
        self._perform(self._machine.on_end_requested(farewell, self._clock.now()))

    def _hand_over(self, name: str, reason: str) -> str:
        other = next(agent for agent in self._agent.handoffs if agent.name == name)
        self._persona.become(other)
        self._history.system_prompt = self._persona.prompt
        self._log.handed_over(name, reason)
        return self._persona.prompt

    def _filter_failed(self, name: str, error: Exception) -> None:
        self._log.problem(ExtensionError(f"The filter {name} failed and was left out: {type(error).__name__}."))

    def _late_result(self, call: ToolCall, outcome: ToolOutcome) -> None:
        self._history.add_tool_result(call.id, outcome.result)
        self._log.tool(call, outcome)

    def _provider_failed(self, error: PatterError, can_speak: bool) -> None:
        if self._closed or self._machine.stage is Stage.ENDED:
            return
        self._log.problem(error)
        decided = self._machine.on_failure(error.message, self._clock.now(), can_speak=can_speak)
        if decided:
            self._error = self._error or error
        self._perform(decided)

    def _timer_due(self, name: actions.TimerName) -> None:
        self._perform(self._machine.on_timer(name, self._clock.now(), sounding=self._speaker.sounding))


def _lines(agent: Agent) -> actions.Lines:
    return actions.Lines(
        first_message=fill(agent.first_message, agent.variables),
        still_there=agent.still_there_message,
        silence=agent.silence_message,
        time_limit=agent.time_limit_message,
        error=agent.error_message,
        shutdown=agent.shutdown_message,
        voicemail=agent.voicemail_message,
        filler=agent.filler_message,
    )


def _own(settings: TurnSettings) -> TurnSettings:
    """The settings with strategies that are this call's alone."""
    return replace(
        settings,
        while_speaking=replace(settings.while_speaking, strategies=deepcopy(settings.while_speaking.strategies)),
        while_thinking=replace(settings.while_thinking, strategies=deepcopy(settings.while_thinking.strategies)),
    )


def _rules(agent: Agent) -> Rules:
    language = agent.language

    def patience(text: str, asked: str) -> float:
        return extra_patience(text, language, asked)

    def backchannel(text: str, said: str, greeting: bool) -> bool:
        asking = asked_for(said, language) is not None
        return is_backchannel(text, language, after_question=asking, first_message=greeting)

    return Rules(patience, backchannel, turn_detector=agent.turn_detector is not None)
