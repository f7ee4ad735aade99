"""What the two sides of a call are heard to do: the moments of speech, as typed records.

Each is drawn from the call's events, for callbacks.  `timestamp_ms` is Unix milliseconds; `turn_idx` is the index that
the agent's turn will have (`events.Turn.index`) if anything of it is heard.
"""

from __future__ import annotations

from dataclasses import dataclass

from getpatter.events import TurnTrigger


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechMoment:
    call_id: str
    timestamp_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSpeechStarted(SpeechMoment):
    """The caller's voice was detected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSpeechEnded(SpeechMoment):
    """The caller's voice was heard last at `timestamp_ms`; it is told after the silence that shows it."""

    speech_duration_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSpeechEos(SpeechMoment):
    """The caller has finished, and the agent is to answer."""

    trigger: TurnTrigger
    trailing_silence_ms: float | None
    """Silence up to this decision; None where no speech was observed, as after keys."""
    transcript_so_far: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpeechStarted(SpeechMoment):
    """The first frame of the agent's turn was sent."""

    turn_idx: int
    tts_provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpeechEnded(SpeechMoment):
    """The agent's turn has ended, or was ended by the caller."""

    speech_duration_ms: float
    interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmToken(SpeechMoment):
    """The first token of an answer."""

    turn_idx: int
    llm_provider: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioOut(SpeechMoment):
    """The first audio of the agent's turn went out."""

    turn_idx: int
    tts_provider: str


SpeechEvent = (
    UserSpeechStarted | UserSpeechEnded | UserSpeechEos | AgentSpeechStarted | AgentSpeechEnded | LlmToken | AudioOut
)
