"""Who may speak when, between caller and agent; pure.

The caller is silent, speaks, or has paused; the agent is silent, thinks of an answer, or speaks.  Where both are at it
there is an overlap (`interruptions`), until words or their absence settle whose turn it is:

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
from getpatter.conversation.actions import (
    Action,
    CancelReply,
    DropDraft,
    FinalizeTranscript,
    Interject,
    JudgeTurn,
    NoteWords,
    Say,
    StartDraft,
    StartReply,
    StartTimer,
    StopTimer,
    TimerName,
)
from getpatter.conversation.caller_turn import CallerTurn, Patience, no_patience
from getpatter.conversation.interruptions import AgentTurn, Backchannel, Decision, Interruptions, no_backchannel

LATE_S = 20.0
"""An engine that takes the turn and says nothing may still be thinking: for so much longer than the ordinary silence
nobody asks whether the caller is there."""

_CALLER_TIMERS: tuple[TimerName, ...] = ("silence", "transcript", "hold", "monologue", "stable", "keys")


class AgentSide(Enum):
    SILENT = auto()
    THINKING = auto()
    """A reply is being made, and nothing of it was heard yet."""
    SPEAKING = auto()


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked about words (pure functions), and what there is besides silence to tell the end of a turn."""

    patience: Patience = no_patience
    backchannel: Backchannel = no_backchannel
    turn_detector: bool = False
    needs_words: bool = True
    """A turn without a transcript is no turn.  False where the caller's audio itself is answered."""
    engine_leads: bool = False
    """An engine decides when the caller has finished, and speaks without being asked."""


class Talk:
    """One call's turns.  Nothing here ends a call; `idle` is told by a `silence` timer to its owner."""

    def __init__(self, settings: TurnSettings, rules: Rules, filler: str) -> None:
        self._settings = settings
        self._rules = rules
        self._filler = filler
        self._turn = CallerTurn(settings, rules.patience)
        self._interruptions = Interruptions(settings, self._turn, rules.backchannel)
        self._agent = AgentSide.SILENT
        self._owed = False
        """The caller was promised an answer of which nothing was heard yet."""
        self._own_words = False
        """What is being said was given by `say`; nobody asked for it."""
        self._greeting = False
        """It is the first message."""
        self._audible_at = 0.0
        self._asked = ""
        """What the agent said last."""
        self._draft = ""
        self._keys = ""
        self._unprompted = False
        """The final that is due is one that the recogniser gives when it finds the turn complete."""
        self._engine_waits = False
        """The engine has more to say than what is being said."""
        self._engine_late = False
        """The engine has said nothing to the turn that it took last."""
        self._finals_unawaited = 0
        """Transcripts of the caller's turn that its answer does not wait for."""
        self._finals_late = 0
        """Those that have not come although the answer was begun."""

    @property
    def agent(self) -> AgentSide:
        return self._agent

    @property
    def busy(self) -> bool:
        """The agent thinks or speaks."""
        return self._agent is not AgentSide.SILENT

    @property
    def caller_speaking(self) -> bool:
        return self._turn.speaking

    @property
    def words_due(self) -> bool:
        """The caller is saying something, or has, that is not understood yet."""
        return self._turn.speaking or self._turn.finals_due > 0

    @property
    def unanswered(self) -> str:
        """What the caller said that no reply was begun for."""
        return self._turn.text

    @property
    def quiet(self) -> bool:
        """Nobody speaks, and nobody is about to."""
        return not (self.busy or self._turn.speaking or self._turn.text)

    @property
    def idle(self) -> bool:
        """Nobody has the turn, and nothing is under way that could give it to anybody."""
        return self.quiet and not (self._turn.finals_due or self._keys or self._interruptions.pending)

    # -- the caller's voice

    def voice_began(self, now: float) -> list[Action]:
        self._turn.voice_began()
        actions: list[Action] = [StopTimer("silence"), StopTimer("hold"), StopTimer("transcript")]
        actions += self._drop_draft()
        actions.append(StartTimer("monologue", now + self._settings.max_speech_s))
        if not self.busy:
            return actions
        return actions + self._follow(self._interruptions.voice_began(self._agent_turn, now), now)

    def voice_ended(self, silence_s: float, now: float) -> list[Action]:
        """It was heard last `silence_s` ago."""
        if not self._turn.speaking:
            return []
        self._turn.voice_ended(now - silence_s, now)
        actions: list[Action] = [StopTimer("monologue"), StopTimer("overlap")]
        if self._interruptions.pending:
            return actions + self._ask_for_words(now)
        if self._settings.endpointing == "recogniser" or self._rules.engine_leads:
            self._turn.ask_for_final()  # without being asked
            self._unprompted = True
            return [*actions, StartTimer("transcript", now + self._settings.recogniser_turn_s)]
        if self._rules.needs_words or self.busy or self._turn.finals_due:
            actions += self._ask_for_words(now)
        else:
            self._finals_unawaited += 1
            actions.append(FinalizeTranscript())
        if self.busy:
            return actions
        if self._rules.turn_detector:
            self._turn.judging = True
            actions.append(JudgeTurn())
        return actions + (self._draft_answer() if self._turn.finals_due else self.settle(now))

    # -- the caller's words

    def interim(self, text: str, now: float, over: str) -> list[Action]:
        if self._finals_late or not self._turn.interim(text):
            return []  # what comes before late words is of the same turn
        self._asked = over
        if self.busy:
            return self._weigh(now, self._turn.length, interim=True)
        actions: list[Action] = []
        if not self._turn.speaking and not self._turn.finals_due:  # too soft for the VAD
            actions.append(StartTimer("silence", now + self._settings.silence_timeout_s))
        if self._settings.preemptive:
            actions.append(StartTimer("stable", now + self._settings.preemptive_stable_s))
        return actions

    def final(self, text: str, now: float, over: str, *, from_finalize: bool, end_of_turn: bool) -> list[Action]:
        if from_finalize and self._finals_late:
            # They come in the order they were asked for, so these are the words of a turn that is answered already.
            self._finals_late -= 1
            return [NoteWords(text.strip())] if text.strip() else []
        self._asked = over
        if self._rules.engine_leads:
            if end_of_turn:
                return self._engine_takes_turn(text, now)
            if text.strip() and not from_finalize:
                self._turn.interim("")
                return [NoteWords(text.strip())]  # of a turn that it has taken
        words_from = self._turn.length
        if from_finalize and self._finals_unawaited:
            self._finals_unawaited -= 1
        self._turn.final(text, from_finalize=from_finalize, end_of_turn=end_of_turn)
        actions: list[Action] = [] if self._turn.finals_due else [StopTimer("transcript")]
        if not self.busy:
            return actions + self.settle(now)
        if not self._interruptions.pending and from_finalize:
            return actions + self._missed_words(now)
        return actions + self._weigh(now, words_from, interim=False)

    def judged(self, complete: bool | None, now: float) -> list[Action]:
        if not self._turn.judging:
            return []  # the caller went on meanwhile
        self._turn.judged(complete)
        return self.settle(now)

    def key(self, digit: str, now: float) -> list[Action]:
        """Keys are an interruption that needs no proof."""
        self._keys += digit
        actions: list[Action] = [StopTimer("silence"), StartTimer("keys", now + self._settings.keys_s)]
        if self.busy and self._interruptions.settings_for(self._agent_turn).mode != "off":
            actions += self._follow(self._interruptions.take(), now)
        return actions

    # -- an engine that leads

    def engine_speaks(self, now: float) -> list[Action]:
        """It says something that nobody asked for: after what is being said, since it goes on with that."""
        if self.busy:
            self._engine_waits = True
            return []
        said = bool(self._turn.text) or self._turn.speaking or self._turn.paused
        return self._reply(now, unasked=not said)

    def engine_stopped(self, now: float) -> list[Action]:
        """It heard the caller over what it said, and goes on with nothing of it."""
        if not self.busy:
            return []
        self._owed = False
        stopped = [*self._interruptions.forget(), StopTimer("filler")]
        return stopped + self.silence_agent(barge_in=self._agent is AgentSide.SPEAKING) + self.settle(now)

    def _engine_takes_turn(self, text: str, now: float) -> list[Action]:
        """It answers whether it is let or not, and what it said before is over for it."""
        self._turn.final(text, from_finalize=False, end_of_turn=True)
        stopped = [*self._interruptions.forget(), *self.silence_agent(barge_in=self._agent is AgentSide.SPEAKING)]
        return stopped + self._reply(now)

    # -- the agent

    def say(self, text: str, *, greeting: bool = False) -> list[Action]:
        """Words of our own."""
        self._agent, self._own_words, self._greeting = AgentSide.THINKING, True, greeting
        self._interruptions.held = False
        return [StopTimer("silence"), *self._drop_draft(), Say(text)]

    def audible(self, now: float) -> list[Action]:
        if self._agent is not AgentSide.THINKING:
            return []
        self._agent, self._owed, self._audible_at = AgentSide.SPEAKING, False, now
        return [StopTimer("filler")]

    def finished(self) -> list[Action]:
        """All of a reply was heard, or it turned out to be empty; `settle` says what comes next."""
        self._engine_late = self._rules.engine_leads and self._owed
        self._agent = AgentSide.SILENT
        self._owed = self._greeting = self._interruptions.held = False
        # What is being said over the end of an answer is the next turn.
        return [StopTimer("filler"), *self._interruptions.forget()]

    def stop(self) -> list[Action]:
        """Nothing that the caller does matters any more; what the agent says goes on."""
        return [
            *(StopTimer(name) for name in _CALLER_TIMERS),
            StopTimer("filler"),
            *self._interruptions.forget(),
            *self._drop_draft(),
        ]

    def silence_agent(self, *, barge_in: bool = False) -> list[Action]:
        """Drop what the agent says, if it does."""
        self._interruptions.held = self._greeting = self._engine_waits = False
        if not self.busy:
            return []
        self._agent = AgentSide.SILENT
        return [CancelReply(barge_in=barge_in)]

    def sound_again(self) -> list[Action]:
        """What is held back is heard after all."""
        return self._interruptions.sound_again()

    def forget_caller(self) -> None:
        """What they said is answered by nobody."""
        self._turn.take()
        self._owed = False

    # -- time

    def timer(self, name: TimerName, now: float) -> list[Action]:
        match name:
            case "transcript":
                return self._give_up_on_words(now)
            case "hold":
                return self._hold_is_over(now)
            case "monologue":
                return self.voice_ended(0.0, now)
            case "overlap":
                return self._follow(self._interruptions.voice_lasts(now), now) if self.busy else []
            case "confirm":
                return self._ask_for_proof(now)
            case "stable":
                return [] if self.busy else self._draft_answer()
            case "filler":
                waiting = self._agent is AgentSide.THINKING and not (self._interruptions.held or self._own_words)
                return [Interject(self._filler)] if waiting else []
            case "keys":
                self._press_keys()
                return self.settle(now)
        return []

    def settle(self, now: float) -> list[Action]:
        """Nobody has the turn unless the caller has: answer, wait, or listen."""
        if self._engine_waits and not self.busy:
            return self._reply(now, unasked=True)
        if self.busy or self._turn.speaking or self._turn.finals_due or self._keys:
            return []
        if not self._turn.text and (self._rules.needs_words or not self._turn.paused):
            return self._reply(now) if self._owed else self._listen(now)
        due = self._turn.due(now, self._asked)
        if due <= now:
            return self._reply(now)
        return [StartTimer("hold", due), *self._draft_answer()]

    def _hold_is_over(self, now: float) -> list[Action]:
        if self.busy or self._turn.speaking or self._turn.finals_due or self._keys:
            return []
        return self._reply(now) if self._turn.text or self._turn.paused or self._owed else self._listen(now)

    def _give_up_on_words(self, now: float) -> list[Action]:
        if self._unprompted:  # it does not find the end; silence does
            self._unprompted = False
            return [StartTimer("transcript", now + self._settings.stt_timeout_s), FinalizeTranscript()]
        words_from = self._turn.length
        if self._rules.engine_leads:
            self._turn.interim("")  # it makes nothing of it, and would tell it again if it did
        self._turn.give_up_on_finals()
        if not self.busy:
            return self.settle(now)
        return self._weigh(now, words_from, interim=False) if self._interruptions.pending else []

    def _ask_for_proof(self, now: float) -> list[Action]:
        return self._ask_for_words(now) if self._interruptions.needs_proof() else []

    def _press_keys(self) -> None:
        keys, self._keys = self._keys, ""
        if keys:
            self._turn.keys(keys)

    # -- both at once

    @property
    def _agent_turn(self) -> AgentTurn:
        speaking = self._agent is AgentSide.SPEAKING
        return AgentTurn(speaking, self._audible_at, own_words=self._own_words, greeting=self._greeting)

    def _weigh(self, now: float, words_from: int, *, interim: bool) -> list[Action]:
        """Words came while the agent has the turn."""
        decision = self._interruptions.words_came(self._agent_turn, words_from, self._asked, interim=interim)
        return self._follow(decision, now)

    def _follow(self, decision: Decision, now: float) -> list[Action]:
        actions = decision.actions
        if decision.taken:
            speaking = self._agent is AgentSide.SPEAKING
            stopped = [*actions, StopTimer("filler"), *self.silence_agent(barge_in=speaking)]
            if self._turn.guessing and not self._turn.speaking and not self._turn.finals_due:
                return stopped + self._ask_for_words(now)  # of a voice too soft for the VAD, whose end nobody tells
            return stopped + self.settle(now)
        if decision.dismissed and self._filler and self._agent is AgentSide.THINKING:
            return [*actions, StartTimer("filler", now + self._settings.filler_after_s)]
        return actions

    def _missed_words(self, now: float) -> list[Action]:
        """The words of before the answer came after it was begun."""
        open_to_more = self._interruptions.settings_for(self._agent_turn).mode != "off" and not self._own_words
        if self._agent is AgentSide.THINKING and open_to_more and self._turn.text:
            return self._follow(self._interruptions.take(), now)  # it would miss them
        return []  # answered after what is being said

    # -- steps

    def _ask_for_words(self, now: float) -> list[Action]:
        self._unprompted = False
        self._turn.ask_for_final()
        return [StartTimer("transcript", now + self._settings.stt_timeout_s), FinalizeTranscript()]

    def _listen(self, now: float) -> list[Action]:
        self._turn.take()
        patience = self._settings.silence_timeout_s + (LATE_S if self._engine_late else 0.0)
        self._engine_late = False
        return [*self._drop_draft(), StartTimer("silence", now + patience)]

    def _reply(self, now: float, *, unasked: bool = False) -> list[Action]:
        """`unasked` is one for which nobody's turn has ended."""
        trigger, text = None if unasked else self._turn.trigger, self._turn.take()
        self._engine_waits, self._turn.finals_due = False, 0  # an engine that leads has not waited for them
        self._finals_late, self._finals_unawaited = self._finals_late + self._finals_unawaited, 0
        self._agent, self._owed, self._own_words = AgentSide.THINKING, True, False
        self._draft = ""  # the shell knows whether it answers these words
        actions: list[Action] = [StopTimer(name) for name in _CALLER_TIMERS]
        actions.append(StartReply(text, trigger))
        if self._filler:
            actions.append(StartTimer("filler", now + self._settings.filler_after_s))
        if self._keys:  # an engine does not wait for them
            actions.append(StartTimer("keys", now + self._settings.keys_s))
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
