"""What the two sides of one call are doing, read from its events."""

from __future__ import annotations

from typing import Literal

from getpatter.events import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    EndOfTurn,
    Event,
    FalseInterruption,
    FirstToken,
    SpeechEnded,
    SpeechStarted,
    TranscriptInterim,
    Turn,
)
from getpatter.observability.speech_events import (
    AgentSpeechEnded,
    AgentSpeechStarted,
    AudioOut,
    LlmToken,
    SpeechEvent,
    UserSpeechEnded,
    UserSpeechEos,
    UserSpeechStarted,
)

UserState = Literal["listening", "speaking", "thinking", "away"]
AgentState = Literal["initializing", "idle", "listening", "thinking", "speaking"]

AWAY_S = 15.0
"""Silence of both sides after which the caller counts as away."""


class ConversationState:
    """The state of one call; every call needs its own.

    Time stands still between events, so the states, which silence alone can change, are asked for at a moment `now`
    in Unix seconds.

    The caller is `speaking` while their voice is heard, `thinking` from its end until it is known whether they have
    finished, `away` when not on the line or after `away_s` of silence on both sides, and else `listening`.  The agent
    is `initializing` until the call is answered, `thinking` from the end of the caller's turn until it is heard or the
    caller goes on, `speaking` while it is heard, `idle` when there is nobody to talk to, and else `listening`.
    """

    def __init__(self, *, away_s: float = AWAY_S) -> None:
        self._away_s = away_s
        self._voice = ""
        """The text-to-speech, and likewise the language model, as the call's events name it."""
        self._model = ""
        self._answered = self._ended = False
        self._user_since: float | None = None
        self._agent_since: float | None = None
        self._user_paused = self._asked = False
        self._speech_ended_at: float | None = None
        """The end of the caller's latest speech, in a turn that goes on."""
        self._words: list[str] = []
        self._interim = ""
        self._turns = 0
        self._quiet_since = 0.0

    @property
    def away_at(self) -> float | None:
        """When the caller will count as away if nothing happens; None while anybody is at it."""
        busy = self._user_since is not None or self._agent_since is not None or self._asked
        return None if busy or not self._answered or self._ended else self._quiet_since + self._away_s

    def user_state(self, now: float) -> UserState:
        if not self._answered or self._ended or self._away(now):
            return "away"
        if self._user_since is not None:
            return "speaking"
        return "thinking" if self._user_paused else "listening"

    def agent_state(self, now: float) -> AgentState:
        if self._ended:
            return "idle"
        if not self._answered:
            return "initializing"
        if self._agent_since is not None:
            return "speaking"
        if self._asked and self._user_since is None:
            return "thinking"
        return "idle" if self._away(now) else "listening"

    def apply(self, event: Event) -> list[SpeechEvent]:
        """Take the next event of the call in; gives what it says about speech."""
        match event:
            case CallPlaced():
                self._voice, self._model = event.text_to_speech, event.language_model
            case CallAnswered():
                self._answered, self._quiet_since = True, event.at
            case CallEnded():
                self._ended = True
            case TranscriptInterim():
                self._interim = event.text
            case FalseInterruption():
                self._forget_turn()
            case Turn():
                self._turn(event)
            case SpeechStarted() | SpeechEnded() if event.role == "caller":
                return self._user_speech(event)
            case SpeechStarted() | SpeechEnded():
                return self._agent_speech(event)
            case EndOfTurn():
                return self._end_of_turn(event)
            case FirstToken():
                return [self._first_token(event)]
            case _:
                pass
        return []

    def _away(self, now: float) -> bool:
        return self.away_at is not None and now >= self.away_at

    def _turn(self, turn: Turn) -> None:
        self._turns = turn.index + 1
        if turn.role == "caller":
            self._words.append(turn.text)
            self._interim = ""
            self._asked = False  # whatever was being thought of answers less than they said

    def _forget_turn(self) -> None:
        self._user_paused, self._speech_ended_at, self._interim = False, None, ""
        self._words.clear()

    def _user_speech(self, event: SpeechStarted | SpeechEnded) -> list[SpeechEvent]:
        self._quiet_since = event.at
        if isinstance(event, SpeechStarted):
            self._user_since, self._user_paused = event.at, False
            return [UserSpeechStarted(call_id=event.call_id, timestamp_ms=_ms(event.at))]
        ended = event.at - event.silence_ms / 1000
        began, self._user_since = self._user_since, None
        self._user_paused, self._speech_ended_at = True, ended
        duration = max(0.0, ended - (ended if began is None else began))
        return [UserSpeechEnded(call_id=event.call_id, timestamp_ms=_ms(ended), speech_duration_ms=_ms(duration))]

    def _end_of_turn(self, event: EndOfTurn) -> list[SpeechEvent]:
        ended = self._speech_ended_at
        said = " ".join(self._words) or self._interim
        self._forget_turn()
        self._asked = True
        return [
            UserSpeechEos(
                call_id=event.call_id,
                timestamp_ms=_ms(event.at),
                trigger=event.trigger,
                trailing_silence_ms=None if ended is None else _ms(max(0.0, event.at - ended)),
                transcript_so_far=said,
            )
        ]

    def _agent_speech(self, event: SpeechStarted | SpeechEnded) -> list[SpeechEvent]:
        call_id, at = event.call_id, _ms(event.at)
        self._quiet_since, self._asked = event.at, False
        if isinstance(event, SpeechStarted):
            self._agent_since = event.at
            turn, voice = self._turns, self._voice
            return [
                AudioOut(call_id=call_id, timestamp_ms=at, turn_idx=turn, tts_provider=voice),
                AgentSpeechStarted(call_id=call_id, timestamp_ms=at, turn_idx=turn, tts_provider=voice),
            ]
        began, self._agent_since = self._agent_since, None
        duration = 0.0 if began is None else max(0.0, event.at - began)
        return [
            AgentSpeechEnded(
                call_id=call_id, timestamp_ms=at, speech_duration_ms=_ms(duration), interrupted=event.interrupted
            )
        ]

    def _first_token(self, event: FirstToken) -> LlmToken:
        return LlmToken(
            call_id=event.call_id,
            timestamp_ms=_ms(event.at),
            turn_idx=self._turns,
            llm_provider=self._model,
            model=event.model,
        )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
