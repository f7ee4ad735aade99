"""The turn machine of one call: events and times in, actions out.

Every rule about turns lives here and in the pure parts it stands on: `talk` (who may speak when), `caller_turn` (has
the caller finished?), `finals` (which words are due?), `agent_part` (what does the agent do?), `interruptions` (is this
voice over the agent one?) and `actions` (what is to be done).  There is no clock, no socket and no `await`: times are
seconds on whatever clock the caller uses, timers are actions that come back as `on_timer`.

TALK ──► GOODBYE ──► ENDED        the end was decided ──► what is being said was heard, or cannot be
  └──► MACHINE ──┘                an answering machine took the call: leave a message after its greeting
"""

from __future__ import annotations

from enum import Enum, auto

from getpatter.agent import TurnSettings
from getpatter.conversation.actions import (
    Action,
    CancelReply,
    Ending,
    Farewell,
    HangUp,
    Lines,
    StartTimer,
    StopTimer,
    TimerName,
)
from getpatter.conversation.agent_part import AgentSide
from getpatter.conversation.talk import Rules, Talk

GREETING_LIMIT_S = 45.0
"""An answering machine's greeting that has not ended by then is spoken over."""


class Stage(Enum):
    TALK = auto()
    MACHINE = auto()
    """An answering machine is greeting us: say nothing, answer nothing."""
    GOODBYE = auto()
    """The end was decided; what is being said is heard to its end."""
    ENDED = auto()


class TurnMachine:
    """After a `HangUp` every event gives no actions."""

    def __init__(self, settings: TurnSettings, lines: Lines, rules: Rules | None = None) -> None:
        self._settings = settings
        self._lines = lines
        self._stage = Stage.TALK
        self._talk = Talk(settings, rules or Rules(), lines.filler)
        self._asked_still_there = False
        self._news = ""
        self._farewell: Farewell | None = None

    @property
    def stage(self) -> Stage:
        return self._stage

    @property
    def agent(self) -> AgentSide:
        return self._talk.agent

    @property
    def caller_speaking(self) -> bool:
        return self._talk.caller_speaking

    @property
    def idle(self) -> bool:
        """Nobody has the turn, and nothing is under way that could give it to anybody."""
        return self._talk.idle

    @property
    def words_due(self) -> bool:
        """The caller is saying something, or has, that is not understood yet."""
        return self._stage is Stage.TALK and self._talk.words_due

    @property
    def unanswered(self) -> str:
        """What the caller said that no reply was begun for."""
        return self._talk.unanswered

    # -- the call

    def on_start(self, now: float) -> list[Action]:
        actions: list[Action] = [StartTimer("duration", now + self._settings.max_duration_s)]
        if self._lines.first_message:
            return actions + self._talk.say(self._lines.first_message, greeting=True)
        return actions + self._talk.settle(now)

    def on_end_requested(self, farewell: Farewell, now: float, *, words: str = "") -> list[Action]:
        """End the call once what is being said (or `words`, instead) was heard."""
        if self._stage in (Stage.GOODBYE, Stage.ENDED):
            return []
        self._stage, self._farewell = Stage.GOODBYE, farewell
        actions = [*self._talk.stop(), StopTimer("greeting"), Ending(farewell)]
        if words:
            actions += [*self._talk.silence_agent(), *self._talk.say(words)]
        elif not self._talk.busy:
            return actions + self._hang_up()
        actions += self._talk.sound_again()
        return [*actions, StartTimer("goodbye", now + self._settings.goodbye_timeout_s)]

    def on_shutdown(self, now: float) -> list[Action]:
        """The engine stops."""
        return self.on_end_requested(Farewell("engine", "the engine was stopped"), now, words=self._lines.shutdown)

    def on_failure(self, reason: str, now: float, *, can_speak: bool) -> list[Action]:
        """A provider is lost for good: apologise where there still is a voice, and end."""
        if self._stage is Stage.ENDED:
            return []
        if can_speak:  # in a goodbye only what is said still matters, and that goes on
            return self.on_end_requested(Farewell("engine", reason), now, words=self._lines.error)
        self._farewell = self._farewell or Farewell("engine", reason)
        return [*self._talk.silence_agent(), *self._hang_up()]

    def on_machine(self, now: float, *, greeting_ended: bool) -> list[Action]:
        """An answering machine took the call: leave the message after its greeting, or hang up."""
        if self._stage not in (Stage.TALK, Stage.MACHINE):
            return []
        self._stage = Stage.MACHINE
        actions = [*self._talk.stop(), *self._talk.silence_agent()]
        self._talk.forget_caller()
        if not self._lines.voicemail:
            self._farewell = Farewell("agent", "an answering machine took the call and there is no message to leave")
            return actions + self._hang_up()
        if not greeting_ended:
            return [*actions, StartTimer("greeting", now + GREETING_LIMIT_S)]
        return actions + self._leave_message(now)

    # -- the caller: a goodbye is heard to its end, and a machine's greeting is not conversation

    def on_speech_started(self, now: float) -> list[Action]:
        if self._stage is not Stage.TALK:
            return []
        self._asked_still_there = False
        self._news = ""  # the answer to what they say knows it
        return self._talk.voice_began(now)

    def on_speech_ended(self, now: float, silence_s: float = 0.0) -> list[Action]:
        """The caller's voice ended `silence_s` ago."""
        return self._talk.voice_ended(silence_s, now) if self._stage is Stage.TALK else []

    def on_interim(self, text: str, now: float, *, over: str = "") -> list[Action]:
        """What the caller seems to be saying.  `over` is what they have heard of the agent's latest utterance."""
        return self._talk.interim(text, now, over) if self._stage is Stage.TALK else []

    def on_transcript(
        self, text: str, now: float, *, from_finalize: bool = True, end_of_turn: bool = False, over: str = ""
    ) -> list[Action]:
        """A final transcript.  One that comes while the caller goes on speaking is a part of their turn."""
        if self._stage is not Stage.TALK:
            return []
        return self._talk.final(text, now, over, from_finalize=from_finalize, end_of_turn=end_of_turn)

    def on_turn_judged(self, complete: bool | None, now: float) -> list[Action]:
        """The turn detector's answer to `JudgeTurn`; None when it has no opinion."""
        return self._talk.judged(complete, now) if self._stage is Stage.TALK else []

    def on_key(self, digit: str, now: float) -> list[Action]:
        """The caller pressed a key."""
        if self._stage is not Stage.TALK:
            return []
        self._asked_still_there = False
        return self._talk.key(digit, now)

    # -- an engine that leads; that it takes the caller's turn is a transcript with `end_of_turn`

    def on_engine_speaks(self, now: float) -> list[Action]:
        """The engine begins to say something that nobody asked for, and that answers no turn."""
        return self._talk.engine_speaks(now) if self._stage is Stage.TALK else []

    def on_engine_stopped(self, now: float) -> list[Action]:
        """The engine heard the caller over the agent, and goes on with nothing of what it said."""
        return self._talk.engine_stopped(now) if self._stage is Stage.TALK else []

    # -- the agent

    def on_agent_audible(self, now: float) -> list[Action]:
        """The first frame of a reply went out."""
        return self._talk.audible(now)

    def on_agent_finished(self, now: float) -> list[Action]:
        """All of a reply was heard, or it turned out to be empty."""
        if not self._talk.busy:
            return []
        if self._farewell is not None:
            return self._hang_up()
        news, self._news = self._news, ""
        if news:
            return [*self._talk.finished(), *self._talk.say(news)]
        return [*self._talk.finished(), *self._talk.settle(now)]

    def on_news(self, words: str) -> list[Action]:
        """Something to tell the caller that they wait for, once the agent has finished what it says."""
        if self._stage is not Stage.TALK or not words:
            return []
        if self._talk.quiet:
            return self._talk.say(words)
        self._news = words if self._talk.busy else ""
        return []

    # -- time

    def on_timer(self, name: TimerName, now: float, *, sounding: bool = False, on_hold: bool = False) -> list[Action]:
        """`sounding` says whether the agent is being heard: a goodbye is given up only when it has stopped.
        `on_hold` says that the caller waits for a transfer, and so has no reason to speak."""
        if self._stage is Stage.ENDED:
            return []
        match name:
            case "duration":
                limit = Farewell("limit", f"the call reached its limit of {self._settings.max_duration_s:g} s")
                return self.on_end_requested(limit, now, words=self._lines.time_limit)
            case "greeting":
                return self._leave_message(now) if self._stage is Stage.MACHINE else []
            case "goodbye":
                return self._give_up_goodbye(now, sounding=sounding)
            case _ if self._stage is not Stage.TALK:
                return []
            case "silence":
                return self._break_silence(now, on_hold=on_hold)
            case _:
                return self._talk.timer(name, now)

    def _break_silence(self, now: float, *, on_hold: bool) -> list[Action]:
        if not self._talk.quiet:
            return []
        if on_hold:
            return self._talk.say(self._lines.on_hold) if self._lines.on_hold else self._talk.settle(now)
        if not self._asked_still_there and self._lines.still_there:
            self._asked_still_there = True
            return self._talk.say(self._lines.still_there)
        return self.on_end_requested(Farewell("limit", "nobody spoke"), now, words=self._lines.silence)

    def _give_up_goodbye(self, now: float, *, sounding: bool) -> list[Action]:
        if self._stage is not Stage.GOODBYE:
            return []
        if sounding:
            return [StartTimer("goodbye", now + self._settings.goodbye_timeout_s)]
        return [CancelReply(barge_in=False), *self._hang_up()]

    # -- steps

    def _leave_message(self, now: float) -> list[Action]:
        message = Farewell("agent", "a message was left on an answering machine")
        return self.on_end_requested(message, now, words=self._lines.voicemail)

    def _hang_up(self) -> list[Action]:
        assert self._farewell is not None
        self._stage = Stage.ENDED
        self._talk.finished()
        return [HangUp(self._farewell)]
