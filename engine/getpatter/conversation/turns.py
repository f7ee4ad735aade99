"""Who may speak when: a pure machine, events and times in, actions out.

Every rule about turns lives here and nowhere else.  There is no clock, no socket and no `await`: times are seconds on
whatever clock the caller uses, timers are actions that come back as `on_timer`.

LISTENING ── speech ──► CALLER ── silence ──► TRANSCRIBING ── words ──► THINKING ── audio ──► SPEAKING ──► LISTENING
    ▲                      ▲                       │ speech                │ speech              │ speech: barge-in
    └── nothing said ──────┴───────────────────────┴───────────────────────┴─────────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from getpatter.agent import TurnSettings
from getpatter.events import EndedBy

TimerName = Literal["silence", "transcript", "duration", "goodbye", "greeting"]

GREETING_LIMIT_S = 45.0
"""An answering machine's greeting that has not ended by then is spoken over."""


class State(Enum):
    LISTENING = auto()
    CALLER = auto()
    TRANSCRIBING = auto()
    THINKING = auto()
    SPEAKING = auto()
    MACHINE = auto()
    """An answering machine is greeting us: say nothing, answer nothing."""
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class Farewell:
    """Why the call is to end, decided before the goodbye is heard."""

    ended_by: EndedBy
    reason: str


@dataclass(frozen=True, slots=True)
class FinalizeTranscript:
    """The caller paused: ask for the final transcript."""


@dataclass(frozen=True, slots=True)
class StartReply:
    """The caller's turn is over and this is what they said: answer it."""

    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """Speak these words; no language model is asked."""

    text: str


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Drop the reply: its generation, and what is queued on the line.  Keep only what was heard.

    `barge_in` tells an interruption by the caller from one by ourselves.
    """

    barge_in: bool


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Replaces a timer of the same name."""

    name: TimerName
    at: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    name: TimerName


@dataclass(frozen=True, slots=True)
class Ending:
    """The end was decided; what is being said is still to be heard."""

    farewell: Farewell


@dataclass(frozen=True, slots=True)
class HangUp:
    farewell: Farewell


Action = FinalizeTranscript | StartReply | Say | CancelReply | StartTimer | StopTimer | Ending | HangUp


@dataclass(frozen=True, slots=True)
class Lines:
    """What the machine has the agent say by itself."""

    first_message: str = ""
    still_there: str = ""
    silence: str = ""
    time_limit: str = ""
    error: str = ""
    shutdown: str = ""
    voicemail: str = ""


class TurnMachine:
    """The turns of one call.  After a `HangUp` every event gives no actions."""

    def __init__(self, settings: TurnSettings, lines: Lines) -> None:
        self._settings = settings
        self._lines = lines
        self._state = State.LISTENING
        self._words: list[str] = []
        self._finals_due = 0
        self._asked_still_there = False
        self._farewell: Farewell | None = None

    @property
    def state(self) -> State:
        return self._state

    @property
    def unanswered(self) -> str:
        """What the caller said that no reply was begun for."""
        return " ".join(self._words)

    # -- the call

    def on_start(self, now: float) -> list[Action]:
        actions: list[Action] = [StartTimer("duration", now + self._settings.max_duration_s)]
        if self._lines.first_message:
            return actions + self._say(self._lines.first_message)
        return actions + self._listen(now)

    def on_end_requested(self, farewell: Farewell, now: float, *, words: str = "") -> list[Action]:
        """End the call once what is being said (or `words`, instead) was heard."""
        if self._state is State.ENDED or self._farewell is not None:
            return []
        self._farewell = farewell
        actions: list[Action] = [StopTimer("silence"), StopTimer("transcript"), StopTimer("greeting"), Ending(farewell)]
        busy = self._state in (State.THINKING, State.SPEAKING)
        if words:
            actions += [CancelReply(barge_in=False)] if busy else []
            actions += self._say(words)
        elif not busy:
            return actions + self._hang_up()
        return [*actions, StartTimer("goodbye", now + self._settings.goodbye_timeout_s)]

    def on_shutdown(self, now: float) -> list[Action]:
        """The engine stops."""
        return self.on_end_requested(Farewell("engine", "the engine was stopped"), now, words=self._lines.shutdown)

    def on_failure(self, reason: str, now: float, *, can_speak: bool) -> list[Action]:
        """A provider is lost for good: apologise where there still is a voice, and end."""
        if self._state is State.ENDED:
            return []
        if self._farewell is not None and can_speak:
            return []  # only what is said still matters, and that goes on
        if not can_speak:
            self._farewell = self._farewell or Farewell("engine", reason)
            return [CancelReply(barge_in=False), *self._hang_up()]
        return self.on_end_requested(Farewell("engine", reason), now, words=self._lines.error)

    def on_machine(self, now: float, *, greeting_ended: bool) -> list[Action]:
        """An answering machine took the call: leave the message after its greeting, or hang up."""
        if self._state is State.ENDED or self._farewell is not None:
            return []
        actions: list[Action] = [StopTimer("silence"), StopTimer("transcript")]
        if self._state in (State.THINKING, State.SPEAKING):
            actions.append(CancelReply(barge_in=False))
        self._state = State.MACHINE
        if not self._lines.voicemail:
            self._farewell = Farewell("agent", "an answering machine took the call and there is no message to leave")
            return actions + self._hang_up()
        if not greeting_ended:
            return [*actions, StartTimer("greeting", now + GREETING_LIMIT_S)]
        return actions + self._leave_message(now)

    # -- the caller

    def on_speech_started(self, now: float) -> list[Action]:
        if self._farewell is not None or self._state in (State.ENDED, State.MACHINE):
            return []  # a goodbye is heard to its end, and a machine's greeting is not conversation
        was = self._state
        self._state = State.CALLER
        self._asked_still_there = False
        actions: list[Action] = [StopTimer("silence"), StopTimer("transcript")]
        if was in (State.THINKING, State.SPEAKING):
            actions.append(CancelReply(barge_in=was is State.SPEAKING))
        return actions

    def on_speech_ended(self, now: float) -> list[Action]:
        if self._state is not State.CALLER:
            return []
        self._state = State.TRANSCRIBING
        self._finals_due += 1
        return [StartTimer("transcript", now + self._settings.stt_timeout_s), FinalizeTranscript()]

    def on_transcript(self, text: str, now: float) -> list[Action]:
        """A final transcript.  One that comes while the caller goes on speaking is a part of their turn."""
        self._finals_due = max(0, self._finals_due - 1)
        if text.strip():
            self._words.append(text.strip())
        if self._state is State.LISTENING and self._words:
            return self._reply()  # heard by the recogniser, missed by the VAD
        if self._state is State.TRANSCRIBING and not self._finals_due:
            return self._reply() if self._words else [StopTimer("transcript"), *self._listen(now)]
        return []

    # -- the agent

    def on_agent_audible(self, now: float) -> list[Action]:
        """The first frame of a reply went out."""
        if self._state is State.THINKING:
            self._state = State.SPEAKING
        return []

    def on_agent_finished(self, now: float) -> list[Action]:
        """All of a reply was heard, or it turned out to be empty."""
        if self._state not in (State.THINKING, State.SPEAKING):
            return []
        if self._farewell is not None:
            return self._hang_up()
        return self._reply() if self._words else self._listen(now)

    # -- time

    def on_timer(self, name: TimerName, now: float, *, sounding: bool = False) -> list[Action]:
        """`sounding` says whether the agent is being heard: a goodbye is given up only when it has stopped."""
        if self._state is State.ENDED:
            return []
        match name:
            case "silence":
                return self._break_silence(now)
            case "transcript":
                return self._give_up_on_transcript(now)
            case "duration":
                limit = Farewell("limit", f"the call reached its limit of {self._settings.max_duration_s:g} s")
                return self.on_end_requested(limit, now, words=self._lines.time_limit)
            case "greeting":
                return self._leave_message(now) if self._state is State.MACHINE else []
            case "goodbye" if sounding:
                return [StartTimer("goodbye", now + self._settings.goodbye_timeout_s)]
            case "goodbye":
                return [CancelReply(barge_in=False), *self._hang_up()] if self._farewell is not None else []

    def _break_silence(self, now: float) -> list[Action]:
        if self._state is not State.LISTENING:
            return []
        if not self._asked_still_there and self._lines.still_there:
            self._asked_still_there = True
            return self._say(self._lines.still_there)
        return self.on_end_requested(Farewell("limit", "nobody spoke"), now, words=self._lines.silence)

    def _give_up_on_transcript(self, now: float) -> list[Action]:
        if self._state is not State.TRANSCRIBING:
            return []
        self._finals_due = 0
        return self._reply() if self._words else self._listen(now)

    # -- steps

    def _listen(self, now: float) -> list[Action]:
        self._state = State.LISTENING
        return [StartTimer("silence", now + self._settings.silence_timeout_s)]

    def _say(self, text: str) -> list[Action]:
        self._state = State.THINKING
        return [StopTimer("silence"), Say(text)]

    def _reply(self) -> list[Action]:
        text = " ".join(self._words)
        self._words.clear()
        self._state = State.THINKING
        return [StopTimer("transcript"), StopTimer("silence"), StartReply(text)]

    def _leave_message(self, now: float) -> list[Action]:
        message = Farewell("agent", "a message was left on an answering machine")
        return self.on_end_requested(message, now, words=self._lines.voicemail)

    def _hang_up(self) -> list[Action]:
        assert self._farewell is not None
        self._state = State.ENDED
        return [HangUp(self._farewell)]
