"""Who may speak when: a pure machine, events and times in, actions out.

Every rule about turns lives here and in the three pure parts it stands on: `caller_turn` (has the caller finished?),
`overlap` (is this voice over the agent an interruption?) and `actions` (what is to be done).  There is no clock, no
socket and no `await`: times are seconds on whatever clock the caller uses, timers are actions that come back as
`on_timer`.

The caller is silent, speaks, or has paused; the agent is silent, thinks of an answer, or speaks.  Where both are at it
there is an `Overlap`, until words or their absence settle whose turn it is:

    caller speaks ──► pauses ──► has finished ──► agent thinks ──► speaks ──► is silent
         ▲               │                            │               │
         └── goes on ────┘                            └── caller ─────┘
                                                     speaks: overlap ──► taken: the turn is the caller's
                                                                     └─► dismissed: the agent goes on
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from getpatter.agent import TurnSettings
from getpatter.barge_in import BargeInSettings
from getpatter.conversation.actions import (
    Action,
    CancelReply,
    Dismiss,
    DropDraft,
    Ending,
    Farewell,
    FinalizeTranscript,
    HangUp,
    HoldReply,
    Interject,
    JudgeTurn,
    Lines,
    ResumeReply,
    Say,
    StartDraft,
    StartReply,
    StartTimer,
    StopTimer,
    TimerName,
)
from getpatter.conversation.caller_turn import CallerTurn, Patience, no_patience
from getpatter.conversation.overlap import Backchannel, Overlap, no_backchannel

GREETING_LIMIT_S = 45.0
"""An answering machine's greeting that has not ended by then is spoken over."""

WARY = 2
"""Back-channels count one, sounds without words two: an agent that pauses at each of them is worse than one that is a
little harder to interrupt.  A real interruption starts the count afresh."""

_OVERLAP_TIMERS: tuple[TimerName, ...] = ("overlap", "confirm", "monologue", "transcript")


class Stage(Enum):
    TALK = auto()
    MACHINE = auto()
    """An answering machine is greeting us: say nothing, answer nothing."""
    GOODBYE = auto()
    """The end was decided; what is being said is heard to its end."""
    ENDED = auto()


class AgentSide(Enum):
    SILENT = auto()
    THINKING = auto()
    """A reply is being made, and nothing of it was heard yet."""
    SPEAKING = auto()


@dataclass(frozen=True, slots=True)
class Rules:
    """What the machine asks about words; pure functions, and whether there is a turn detector to be asked."""

    patience: Patience = no_patience
    backchannel: Backchannel = no_backchannel
    turn_detector: bool = False


class TurnMachine:
    """The turns of one call.  After a `HangUp` every event gives no actions."""

    def __init__(self, settings: TurnSettings, lines: Lines, rules: Rules | None = None) -> None:
        self._settings = settings
        self._lines = lines
        self._rules = rules or Rules()
        self._stage = Stage.TALK
        self._agent = AgentSide.SILENT
        self._turn = CallerTurn(settings, self._rules.patience)
        self._overlap: Overlap | None = None
        self._held = False
        """The reply's sound is stopped until the overlap is settled."""
        self._owed = False
        """The caller was promised an answer of which nothing was heard yet."""
        self._own_words = False
        """What is being said was given by `Say`; nobody asked for it."""
        self._greeting = False
        """It is the first message."""
        self._false_alarms = 0
        """How much this line sounds without interrupting; at `WARY` the agent no longer pauses for a mere sound."""
        self._audible_at = 0.0
        self._asked = ""
        """What the agent said last."""
        self._draft = ""
        self._keys = ""
        self._asked_still_there = False
        self._farewell: Farewell | None = None

    @property
    def stage(self) -> Stage:
        return self._stage

    @property
    def agent(self) -> AgentSide:
        return self._agent

    @property
    def caller_speaking(self) -> bool:
        return self._turn.speaking

    @property
    def overlapping(self) -> bool:
        """Somebody's voice is over the agent's turn, and it is not known yet what it is."""
        return self._overlap is not None

    @property
    def unanswered(self) -> str:
        """What the caller said that no reply was begun for."""
        return self._turn.text

    # -- the call

    def on_start(self, now: float) -> list[Action]:
        actions: list[Action] = [StartTimer("duration", now + self._settings.max_duration_s)]
        if self._lines.first_message:
            self._greeting = True
            return actions + self._say(self._lines.first_message)
        return actions + self._listen(now)

    def on_end_requested(self, farewell: Farewell, now: float, *, words: str = "") -> list[Action]:
        """End the call once what is being said (or `words`, instead) was heard."""
        if self._stage in (Stage.GOODBYE, Stage.ENDED):
            return []
        self._stage, self._farewell = Stage.GOODBYE, farewell
        busy = self._agent is not AgentSide.SILENT
        actions = [*self._stop_waiting(), Ending(farewell)]
        if words:
            actions += [CancelReply(barge_in=False)] if busy else []
            self._held = False
            actions += self._say(words)
        elif not busy:
            return actions + self._hang_up()
        actions += self._sound_again()
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
        return [CancelReply(barge_in=False), *self._hang_up()]

    def on_machine(self, now: float, *, greeting_ended: bool) -> list[Action]:
        """An answering machine took the call: leave the message after its greeting, or hang up."""
        if self._stage not in (Stage.TALK, Stage.MACHINE):
            return []
        actions = self._stop_waiting()
        if self._agent is not AgentSide.SILENT:
            actions.append(CancelReply(barge_in=False))
        self._agent, self._held, self._owed = AgentSide.SILENT, False, False
        self._turn.take()
        self._stage = Stage.MACHINE
        if not self._lines.voicemail:
            self._farewell = Farewell("agent", "an answering machine took the call and there is no message to leave")
            return actions + self._hang_up()
        if not greeting_ended:
            return [*actions, StartTimer("greeting", now + GREETING_LIMIT_S)]
        return actions + self._leave_message(now)

    # -- the caller's voice

    def on_speech_started(self, now: float) -> list[Action]:
        if self._stage is not Stage.TALK:
            return []  # a goodbye is heard to its end, and a machine's greeting is not conversation
        self._asked_still_there = False
        self._turn.voice_began()
        actions: list[Action] = [StopTimer("silence"), StopTimer("hold"), StopTimer("transcript")]
        actions += self._drop_draft()
        actions.append(StartTimer("monologue", now + self._settings.max_speech_s))
        if self._agent is not AgentSide.SILENT and self._overlap is None:
            actions += self._begin_overlap(now)
        return actions

    def on_speech_ended(self, now: float, silence_s: float = 0.0) -> list[Action]:
        """The caller's voice ended `silence_s` ago."""
        if self._stage is not Stage.TALK or not self._turn.speaking:
            return []
        self._turn.voice_ended(now - silence_s, now)
        actions: list[Action] = [StopTimer("monologue"), StopTimer("overlap")]
        if self._settings.endpointing == "recogniser" and self._overlap is None:
            self._turn.ask_for_final()  # it says so by itself
            return [*actions, StartTimer("transcript", now + self._settings.recogniser_turn_s)]
        actions += self._ask_for_words(now)
        if self._overlap is None and self._agent is AgentSide.SILENT:
            if self._rules.turn_detector:
                self._turn.judging = True
                actions.append(JudgeTurn())
            actions += self._draft_answer()
        return actions

    # -- the caller's words

    def on_interim(self, text: str, now: float, *, over: str = "") -> list[Action]:
        """What the caller seems to be saying.  `over` is what they have heard of the agent's latest utterance."""
        if self._stage is not Stage.TALK or not self._turn.interim(text):
            return []
        self._asked = over
        if self._agent is not AgentSide.SILENT:
            return self._weigh(now, self._turn.length, interim=True)
        actions: list[Action] = []
        if not self._turn.speaking and not self._turn.finals_due:  # too soft for the VAD
            actions.append(StartTimer("silence", now + self._settings.silence_timeout_s))
        if self._settings.preemptive:
            actions.append(StartTimer("stable", now + self._settings.preemptive_stable_s))
        return actions

    def on_transcript(
        self, text: str, now: float, *, from_finalize: bool = True, end_of_turn: bool = False, over: str = ""
    ) -> list[Action]:
        """A final transcript.  One that comes while the caller goes on speaking is a part of their turn."""
        if self._stage is not Stage.TALK:
            return []
        self._asked = over
        words_from = self._turn.length
        self._turn.final(text, from_finalize=from_finalize, end_of_turn=end_of_turn)
        actions: list[Action] = [] if self._turn.finals_due else [StopTimer("transcript")]
        if self._agent is AgentSide.SILENT:
            return actions + self._settle(now)
        if self._overlap is None and from_finalize:
            return actions + self._missed_words(now)
        return actions + self._weigh(now, words_from, interim=False)

    def on_turn_judged(self, complete: bool | None, now: float) -> list[Action]:
        """The turn detector's answer to `JudgeTurn`; None when it has no opinion."""
        if self._stage is not Stage.TALK or not self._turn.judging:
            return []  # the caller went on meanwhile
        self._turn.judged(complete)
        return self._settle(now)

    def on_key(self, digit: str, now: float) -> list[Action]:
        """The caller pressed a key.  Keys are an interruption that needs no proof."""
        if self._stage is not Stage.TALK:
            return []
        self._asked_still_there = False
        self._keys += digit
        actions: list[Action] = [StopTimer("silence"), StartTimer("keys", now + self._settings.keys_s)]
        if self._agent is not AgentSide.SILENT and self._barge_in.mode != "off":
            actions += self._take_floor(now)
        return actions

    # -- the agent

    def on_agent_audible(self, now: float) -> list[Action]:
        """The first frame of a reply went out."""
        if self._agent is not AgentSide.THINKING:
            return []
        self._agent, self._owed, self._audible_at = AgentSide.SPEAKING, False, now
        return [StopTimer("filler")]

    def on_agent_finished(self, now: float) -> list[Action]:
        """All of a reply was heard, or it turned out to be empty."""
        if self._agent is AgentSide.SILENT:
            return []
        self._agent = AgentSide.SILENT
        self._owed = self._held = self._greeting = False
        if self._farewell is not None:
            return self._hang_up()
        self._overlap = None  # what is being said over the end of an answer is the next turn
        return [StopTimer("filler"), StopTimer("overlap"), StopTimer("confirm"), *self._settle(now)]

    # -- time

    def on_timer(self, name: TimerName, now: float, *, sounding: bool = False) -> list[Action]:
        """`sounding` says whether the agent is being heard: a goodbye is given up only when it has stopped."""
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
        return self._talk_timer(name, now) if self._stage is Stage.TALK else []

    def _talk_timer(self, name: TimerName, now: float) -> list[Action]:
        match name:
            case "silence":
                return self._break_silence(now)
            case "transcript":
                self._turn.give_up_on_finals()
                return self._give_up_on_words(now)
            case "hold":
                return self._hold_is_over(now)
            case "monologue":
                return self.on_speech_ended(now)
            case "overlap":
                return self._open_overlap(now)
            case "confirm":
                return self._ask_for_proof(now)
            case "stable":
                return self._draft_answer() if self._agent is AgentSide.SILENT else []
            case "filler":
                return self._fill()
            case "keys":
                return self._keys_pressed(now)
        return []

    def _break_silence(self, now: float) -> list[Action]:
        if self._agent is not AgentSide.SILENT or self._turn.speaking or self._turn.text:
            return []
        if not self._asked_still_there and self._lines.still_there:
            self._asked_still_there = True
            return self._say(self._lines.still_there)
        return self.on_end_requested(Farewell("limit", "nobody spoke"), now, words=self._lines.silence)

    def _hold_is_over(self, now: float) -> list[Action]:
        if self._agent is not AgentSide.SILENT or self._turn.speaking or self._turn.finals_due:
            return []
        return self._reply(now) if self._turn.text or self._owed else self._listen(now)

    def _fill(self) -> list[Action]:
        waiting = self._agent is AgentSide.THINKING and not self._held and not self._own_words
        return [Interject(self._lines.filler)] if waiting else []

    def _keys_pressed(self, now: float) -> list[Action]:
        keys, self._keys = self._keys, ""
        if keys:
            self._turn.keys(keys)
        return self._settle(now)

    def _give_up_goodbye(self, now: float, *, sounding: bool) -> list[Action]:
        if self._stage is not Stage.GOODBYE:
            return []
        if sounding:
            return [StartTimer("goodbye", now + self._settings.goodbye_timeout_s)]
        return [CancelReply(barge_in=False), *self._hang_up()]

    # -- both at once

    @property
    def _barge_in(self) -> BargeInSettings:
        speaking = self._agent is AgentSide.SPEAKING
        return self._settings.while_speaking if speaking else self._settings.while_thinking

    def _begin_overlap(self, now: float) -> list[Action]:
        settings = self._barge_in
        if settings.mode == "off":
            return []
        self._overlap = Overlap(settings, self._turn.length)
        opens_at = now + settings.start_s
        if self._agent is AgentSide.SPEAKING:
            opens_at = max(opens_at, self._audible_at + settings.gate_s)
        return [StartTimer("overlap", opens_at)] if opens_at > now else self._open_overlap(now)

    def _open_overlap(self, now: float) -> list[Action]:
        """The voice has lasted long enough to count."""
        overlap = self._overlap
        if overlap is None or self._agent is AgentSide.SILENT:
            return []
        if overlap.settings.mode == "cancel":
            return self._take_floor(now)
        actions: list[Action] = [StartTimer("confirm", now + overlap.settings.confirm_s)]
        if overlap.settings.mode == "pause_resume" and self._false_alarms < WARY and not self._held:
            self._held = True
            actions.append(HoldReply())
        return actions

    def _weigh(self, now: float, words_from: int, *, interim: bool) -> list[Action]:
        """Words came while the agent has the turn; those after `words_from` are new."""
        overlap = self._overlap
        if overlap is None:
            if self._barge_in.mode == "off" or (self._own_words and self._agent is AgentSide.THINKING):
                return []  # answered after what is being said
            overlap = self._overlap = Overlap(self._barge_in, words_from)  # of a voice too soft for the VAD
        words = self._turn.since(overlap.words_from, interim=interim)
        verdict = overlap.weigh(
            words,
            interim=interim,
            speaking=self._agent is AgentSide.SPEAKING,
            backchannel=lambda text: self._rules.backchannel(text, self._asked, self._greeting),
        )
        if verdict == "taken":
            return self._take_floor(now)
        if interim or self._turn.finals_due or (self._turn.speaking and not overlap.proof_asked):
            return []  # what is still being said, or still to be understood, may yet change it
        return self._dismiss(now, words, backchannel=verdict == "backchannel")

    def _missed_words(self, now: float) -> list[Action]:
        """The words of before the answer came after it was begun."""
        if self._agent is AgentSide.THINKING and not self._own_words and self._turn.text:
            return self._take_floor(now)
        return []  # answered after what is being said

    def _ask_for_proof(self, now: float) -> list[Action]:
        """A voice without words has gone on for long: is there anything to understand?"""
        if self._overlap is None or self._turn.finals_due:
            return []
        self._overlap.proof_asked = True
        return self._ask_for_words(now)

    def _give_up_on_words(self, now: float) -> list[Action]:
        words_from = self._turn.length
        self._turn.give_up_on_finals()
        if self._agent is AgentSide.SILENT:
            return self._settle(now)
        return self._weigh(now, words_from, interim=False) if self._overlap is not None else []

    def _dismiss(self, now: float, words: str, *, backchannel: bool) -> list[Action]:
        """It was no interruption: the agent goes on."""
        overlap, self._overlap = self._overlap, None
        assert overlap is not None
        overlap.close()
        self._turn.drop(overlap.words_from)
        self._turn.speaking = False
        self._false_alarms += 1 if words else 2
        actions: list[Action] = [StopTimer(name) for name in _OVERLAP_TIMERS]
        actions.append(Dismiss("backchannel" if backchannel else "unconfirmed" if words else "noise", words))
        if self._lines.filler and self._agent is AgentSide.THINKING:
            actions.append(StartTimer("filler", now + self._settings.filler_after_s))
        return actions + self._sound_again()

    def _take_floor(self, now: float) -> list[Action]:
        """The turn is the caller's: the agent stops."""
        was, self._agent = self._agent, AgentSide.SILENT
        if self._overlap is not None:
            self._overlap.close()
        self._overlap = None
        self._held = self._greeting = False
        self._false_alarms = 0
        actions: list[Action] = [StopTimer("confirm"), StopTimer("overlap"), StopTimer("filler")]
        return [*actions, CancelReply(barge_in=was is AgentSide.SPEAKING), *self._settle(now)]

    def _sound_again(self) -> list[Action]:
        if not self._held:
            return []
        self._held = False
        return [ResumeReply()]

    # -- steps

    def _ask_for_words(self, now: float) -> list[Action]:
        self._turn.ask_for_final()
        return [StartTimer("transcript", now + self._settings.stt_timeout_s), FinalizeTranscript()]

    def _settle(self, now: float) -> list[Action]:
        """Nobody has the turn unless the caller has: answer, wait, or listen."""
        if self._agent is not AgentSide.SILENT or self._stage is not Stage.TALK:
            return []
        if self._turn.speaking or self._turn.finals_due or self._keys:
            return []
        if not self._turn.text:
            return self._reply(now) if self._owed else self._listen(now)
        due = self._turn.due(now, self._asked)
        if due <= now:
            return self._reply(now)
        return [StartTimer("hold", due), *self._draft_answer()]

    def _listen(self, now: float) -> list[Action]:
        self._turn.take()
        return [*self._drop_draft(), StartTimer("silence", now + self._settings.silence_timeout_s)]

    def _say(self, text: str) -> list[Action]:
        self._agent, self._own_words = AgentSide.THINKING, True
        return [StopTimer("silence"), *self._drop_draft(), Say(text)]

    def _reply(self, now: float) -> list[Action]:
        trigger, text = self._turn.trigger, self._turn.take()
        self._agent, self._owed, self._own_words = AgentSide.THINKING, True, False
        self._draft = ""  # the shell knows whether it answers these words
        actions: list[Action] = [StopTimer(name) for name in ("transcript", "hold", "stable", "monologue", "silence")]
        actions.append(StartReply(text, trigger))
        if self._lines.filler:
            actions.append(StartTimer("filler", now + self._settings.filler_after_s))
        return actions

    def _draft_answer(self) -> list[Action]:
        text = self._turn.guess
        if not self._settings.preemptive or not text or text == self._draft:
            return []
        self._draft = text
        return [StartDraft(text)]

    def _drop_draft(self) -> list[Action]:
        if not self._draft:
            return []
        self._draft = ""
        return [DropDraft()]

    def _stop_waiting(self) -> list[Action]:
        """Nothing that the caller does matters any more."""
        if self._overlap is not None:
            self._overlap.close()
            self._overlap = None
        names: tuple[TimerName, ...] = ("silence", "transcript", "hold", "monologue", "overlap", "confirm", "stable")
        names += ("filler", "keys", "greeting")
        return [*(StopTimer(name) for name in names), *self._drop_draft()]

    def _leave_message(self, now: float) -> list[Action]:
        message = Farewell("agent", "a message was left on an answering machine")
        return self.on_end_requested(message, now, words=self._lines.voicemail)

    def _hang_up(self) -> list[Action]:
        assert self._farewell is not None
        self._stage, self._agent = Stage.ENDED, AgentSide.SILENT
        return [HangUp(self._farewell)]
