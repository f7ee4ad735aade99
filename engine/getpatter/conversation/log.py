"""What happens in a conversation, told as events with the times of the record."""

from __future__ import annotations

from collections.abc import Callable

from getpatter.clock import Clock
from getpatter.conversation.actions import Dismiss, Farewell
from getpatter.conversation.playout import Heard
from getpatter.conversation.timing import Timing, milliseconds
from getpatter.errors import PatterError
from getpatter.events import (
    BargeIn,
    CallEnding,
    DraftEnded,
    DtmfPressed,
    EndOfTurn,
    Event,
    FalseInterruption,
    FirstMessagePrepared,
    FirstToken,
    HandedOver,
    MachineDetected,
    Problem,
    ProviderUsed,
    Role,
    SpeechEnded,
    SpeechStarted,
    ToolCalled,
    TranscriptInterim,
    Turn,
    TurnLatency,
    TurnTrigger,
    UsedFor,
)
from getpatter.llm.base import ToolCall
from getpatter.metering import Used
from getpatter.pricing.pricer import Pricer
from getpatter.tools.run import ToolOutcome


class ConversationLog:
    """Turns the conversation's monotonic times into Unix seconds and numbers its turns from 0."""

    def __init__(self, call_id: str, clock: Clock, publish: Callable[[Event], None], pricer: Pricer) -> None:
        self._call_id = call_id
        self._clock = clock
        self._publish = publish
        self._pricer = pricer
        self._turns = 0
        self._speech_began: float | None = None
        self._speech_ended: float | None = None
        self._detected_at = 0.0
        self._silent_since: float | None = None
        """Since when the agent's sound is stopped for a voice of which it is not known what it is."""

    def speech_started(self) -> None:
        self._detected_at = self._clock.now()
        if self._speech_began is None:
            self._speech_began = self._clock.wall()
        self._publish(SpeechStarted(call_id=self._call_id, at=self._clock.wall(), role="caller"))

    def speech_ended(self, silence_s: float) -> None:
        """`silence_s` of silence have shown that the speech is over."""
        self._speech_ended = self._clock.wall() - silence_s
        silence_ms = round(silence_s * 1000, 2)
        self._publish(SpeechEnded(call_id=self._call_id, at=self._clock.wall(), role="caller", silence_ms=silence_ms))

    def interim(self, text: str) -> None:
        self._publish(TranscriptInterim(call_id=self._call_id, at=self._clock.wall(), text=text))

    def caller_turn(self, text: str) -> None:
        now = self._clock.wall()
        began, ended = self._speech_began or now, self._speech_ended or now
        self._speech_began = self._speech_ended = None
        self._turn("caller", text, began, max(began, ended))

    def agent_audible(self) -> None:
        self._publish(SpeechStarted(call_id=self._call_id, at=self._clock.wall(), role="agent"))

    def agent_turn(self, heard: Heard, timing: Timing, *, interrupted: bool) -> None:
        """What was heard of a reply; one of which not a word was heard leaves no turn."""
        if timing.first_frame is None:
            return
        now = self._clock.wall()
        began = now - (self._clock.now() - timing.first_frame)
        self._publish(SpeechEnded(call_id=self._call_id, at=now, role="agent", interrupted=interrupted))
        if not heard.text:
            return
        self._turn(
            "agent", heard.text, began, now, interrupted=interrupted, unheard=heard.unheard, latency=timing.latency()
        )

    def end_of_turn(self, trigger: TurnTrigger, timing: Timing) -> None:
        """The caller has finished; `timing` is of the answer to come."""
        stopped = timing.vad_stopped
        self._publish(
            EndOfTurn(
                call_id=self._call_id,
                at=self._clock.wall(),
                trigger=trigger,
                silence_ms=milliseconds(timing.last_speech, stopped),
                end_of_utterance_delay_ms=milliseconds(stopped, timing.final),
                transcription_delay_ms=milliseconds(stopped, timing.committed),
                on_user_turn_completed_delay_ms=milliseconds(timing.committed, timing.hooked),
            )
        )

    def first_token(self, model: str) -> None:
        self._publish(FirstToken(call_id=self._call_id, at=self._clock.wall(), model=model))

    def draft_ended(self, *, used: bool) -> None:
        self._publish(DraftEnded(call_id=self._call_id, at=self._clock.wall(), used=used))

    @property
    def detected_at(self) -> float:
        """When the caller's latest voice was detected, monotonic."""
        return self._detected_at

    def silenced(self) -> None:
        """The agent's sound was stopped because of a voice."""
        if self._silent_since is None:
            self._silent_since = self._clock.now()

    def dismissed(self, dismissal: Dismiss) -> None:
        """The voice was no interruption."""
        since, self._silent_since = self._silent_since, None
        self._speech_began = self._speech_ended = None
        self._publish(
            FalseInterruption(
                call_id=self._call_id,
                at=self._clock.wall(),
                kind=dismissal.kind,
                text=dismissal.words,
                paused_ms=milliseconds(since, self._clock.now()) or 0.0,
            )
        )

    def barge_in(self) -> None:
        """The reply was stopped for good because the caller spoke."""
        silent_at, self._silent_since = self._silent_since or self._clock.now(), None
        clear_ms = milliseconds(self._detected_at, silent_at) or 0.0
        self._publish(BargeIn(call_id=self._call_id, at=self._clock.wall(), clear_ms=clear_ms))

    def tool(self, call: ToolCall, outcome: ToolOutcome) -> None:
        self._publish(
            ToolCalled(
                call_id=self._call_id,
                at=self._clock.wall(),
                tool_call_id=call.id,
                name=call.name,
                arguments=call.arguments,
                result=outcome.result,
                error=outcome.error,
                duration_ms=round(outcome.seconds * 1000, 2),
            )
        )

    def keys(self, digits: str) -> None:
        """The agent has pressed these keys."""
        for digit in digits:
            self._publish(DtmfPressed(call_id=self._call_id, at=self._clock.wall(), role="agent", digit=digit))

    def machine(self, reason: str) -> None:
        """An answering machine was heard."""
        self._publish(
            MachineDetected(
                call_id=self._call_id, at=self._clock.wall(), classification="machine", raw=f"heard: {reason}"
            )
        )

    def first_message(self, used: bool, audio_s: float, reused: bool) -> None:
        """What became of a first message that was spoken in advance."""
        self._publish(
            FirstMessagePrepared(
                call_id=self._call_id, at=self._clock.wall(), used=used, audio_s=audio_s, reused=reused
            )
        )

    def used(self, kind: UsedFor, used: Used) -> None:
        """Something was bought."""
        charge = self._pricer.charge(used)
        self._publish(
            ProviderUsed(
                call_id=self._call_id,
                at=self._clock.wall(),
                kind=kind,
                used=used,
                cost_micros=charge.micros,
                saved_micros=charge.saved_micros,
            )
        )

    def handed_over(self, name: str, reason: str) -> None:
        self._publish(HandedOver(call_id=self._call_id, at=self._clock.wall(), agent=name, reason=reason))

    def problem(self, error: PatterError) -> None:
        self._publish(Problem(call_id=self._call_id, at=self._clock.wall(), code=error.code, message=error.message))

    def ending(self, farewell: Farewell) -> None:
        self._publish(
            CallEnding(call_id=self._call_id, at=self._clock.wall(), ended_by=farewell.ended_by, reason=farewell.reason)
        )

    def _turn(
        self,
        role: Role,
        text: str,
        started_at: float,
        ended_at: float,
        *,
        interrupted: bool = False,
        unheard: str = "",
        latency: TurnLatency | None = None,
    ) -> None:
        self._publish(
            Turn(
                call_id=self._call_id,
                at=self._clock.wall(),
                index=self._turns,
                role=role,
                text=text,
                started_at=started_at,
                ended_at=ended_at,
                interrupted=interrupted,
                unheard=unheard,
                latency=latency or TurnLatency(),
            )
        )
        self._turns += 1
