"""How one call was talked: who spoke how long, over whom, and how turns changed hands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from getpatter.events import BargeIn, CallEnded, EndOfTurn, Event, FalseInterruption, Role, SpeechEnded, SpeechStarted


@dataclass(frozen=True, slots=True)
class EOUMetrics:
    """How the end of one of the caller's turns was found, in milliseconds; None where it was not observed."""

    end_of_utterance_delay: float | None
    """VAD says that the voice has stopped → final transcript."""
    transcription_delay: float | None
    """VAD says that the voice has stopped → the turn is taken for complete."""
    on_user_turn_completed_delay: float | None
    """What the hook after the transcript took."""


@dataclass(frozen=True, slots=True)
class InterruptionMetrics:
    """How often the caller spoke over the agent.  Durations are seconds."""

    total_duration: float = 0.0
    """For how long both spoke at once, the agent's pauses for a voice among it."""
    detection_delay: float | None = None
    """Caller's voice detected → the agent is silent, at the latest interruption."""
    num_interruptions: int = 0
    num_backchannels: int = 0


@dataclass(frozen=True, slots=True)
class TalkTime:
    """Seconds of speech."""

    caller_s: float = 0.0
    agent_s: float = 0.0

    def share(self, role: Role) -> float | None:
        """One side's part of all speech, 0 to 1 (the talk ratio); None before anybody spoke."""
        total = self.caller_s + self.agent_s
        return (self.agent_s if role == "agent" else self.caller_s) / total if total else None


class Talk:
    """Reads the events of one call; every call needs its own."""

    def __init__(self) -> None:
        self.time = TalkTime()
        """Of speeches that have ended."""
        self.interruptions = InterruptionMetrics()
        self.turns: list[EOUMetrics] = []
        """One for each of the caller's turns that asked for an answer."""
        self._since: dict[Role, float] = {}
        self._over: dict[Role, list[tuple[float, float]]] = {"agent": [], "caller": []}
        """A side's speeches that have ended since the other began the one that it is at: (start, end)."""

    def apply(self, event: Event) -> None:
        """Take the next event of the call in."""
        match event:
            case SpeechStarted():
                self._since[event.role] = event.at
            case SpeechEnded():
                self._spoken(event.role, event.at - event.silence_ms / 1000)
            case EndOfTurn():
                self.turns.append(
                    EOUMetrics(
                        event.end_of_utterance_delay_ms,
                        event.transcription_delay_ms,
                        event.on_user_turn_completed_delay_ms,
                    )
                )
            case BargeIn():
                counted = self.interruptions.num_interruptions + 1
                delay = event.clear_ms / 1000
                self.interruptions = replace(self.interruptions, num_interruptions=counted, detection_delay=delay)
            case FalseInterruption(kind="backchannel"):
                counted = self.interruptions.num_backchannels + 1
                self.interruptions = replace(self.interruptions, num_backchannels=counted)
            case CallEnded():
                for role in tuple(self._since):
                    self._spoken(role, event.at)
            case _:
                pass

    def _spoken(self, role: Role, ended: float) -> None:
        began = self._since.pop(role, None)
        if began is None or ended <= began:
            return
        other: Role = "caller" if role == "agent" else "agent"
        # What both share of two speeches is counted when the later of them ends.
        shared = sum(max(0.0, min(ended, end) - max(began, start)) for start, end in self._over[other])
        self._over[other].clear()
        if other in self._since:
            self._over[role].append((began, ended))
        counted = self.interruptions
        self.interruptions = replace(counted, total_duration=counted.total_duration + shared)
        spoken = ended - began
        if role == "caller":
            self.time = replace(self.time, caller_s=self.time.caller_s + spoken)
        else:
            self.time = replace(self.time, agent_s=self.time.agent_s + spoken)
