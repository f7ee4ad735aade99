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

from getpatter.agent import TurnSettings
from getpatter.conversation.actions import (
    Action,
    CancelReply,
    Interject,
    JudgeTurn,
    NoteWords,
    Say,
    StartReply,
    StartTimer,
    StopTimer,
    TimerName,
)
from getpatter.conversation.agent_part import AgentPart, AgentSide
from getpatter.conversation.caller_turn import CallerTurn, Patience, no_patience
from getpatter.conversation.draft import Draft
from getpatter.conversation.finals import Finals
from getpatter.conversation.interruptions import Backchannel, Decision, Interruptions, no_backchannel

LATE_S = 20.0
"""An engine that takes the turn and says nothing may still be thinking: for so much longer than the ordinary silence
nobody asks whether the caller is there."""

_CALLER_TIMERS: tuple[TimerName, ...] = ("silence", "transcript", "hold", "monologue", "stable", "keys")


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
        self._agent = AgentPart()
        self._draft = Draft()
        self._finals = Finals(settings, self._turn)
        self._asked = ""
        """What the agent said last."""
        self._engine_late = False
        """The engine has said nothing to the turn that it took last."""

    @property
    def agent(self) -> AgentSide:
        return self._agent.side

    @property
    def busy(self) -> bool:
        """The agent thinks or speaks."""
        return self._agent.busy

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
        return self.quiet and not (self._turn.finals_due or self._turn.pressing or self._interruptions.pending)

    # -- the caller's voice

    def voice_began(self, now: float) -> list[Action]:
        self._turn.voice_began()
        actions: list[Action] = [StopTimer("silence"), StopTimer("hold"), StopTimer("transcript")]
        actions += self._draft.drop()
        actions.append(StartTimer("monologue", now + self._settings.max_speech_s))
        if not self.busy:
            return actions
        return actions + self._follow(self._interruptions.voice_began(self._agent.turn, now), now)

    def voice_ended(self, silence_s: float, now: float) -> list[Action]:
        """It was heard last `silence_s` ago."""
        if not self._turn.speaking:
            return []
        self._turn.voice_ended(now - silence_s, now)
        actions: list[Action] = [StopTimer("monologue"), StopTimer("overlap")]
        if self._interruptions.pending:
            return actions + self._finals.ask(now)
        if self._settings.endpointing == "recogniser" or self._rules.engine_leads:
            return actions + self._finals.expect(now)
        if self._rules.needs_words or self.busy or self._turn.finals_due:
            actions += self._finals.ask(now)
        else:
            actions += self._finals.ask_unawaited()
        if self.busy:
            return actions
        if self._rules.turn_detector:
            self._turn.judging = True
            actions.append(JudgeTurn())
        return actions + (self._draft_answer() if self._turn.finals_due else self.settle(now))

    # -- the caller's words

    def interim(self, text: str, now: float, over: str) -> list[Action]:
        if self._finals.late or not self._turn.interim(text):
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
        if from_finalize and self._finals.came():
            return [NoteWords(text.strip())] if text.strip() else []
        self._asked = over
        if self._rules.engine_leads:
            if end_of_turn:
                return self._engine_takes_turn(text, now)
            if text.strip() and not from_finalize:
                self._turn.interim("")
                return [NoteWords(text.strip())]  # of a turn that it has taken
        words_from = self._turn.length
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
        self._turn.press(digit)
        actions: list[Action] = [StopTimer("silence"), StartTimer("keys", now + self._settings.keys_s)]
        if self.busy and self._interruptions.settings_for(self._agent.turn).mode != "off":
            actions += self._follow(self._interruptions.take(), now)
        return actions

    # -- an engine that leads

    def engine_speaks(self, now: float) -> list[Action]:
        """It says something that nobody asked for: after what is being said, since it goes on with that."""
        if self.busy:
            self._agent.has_more = True
            return []
        said = bool(self._turn.text) or self._turn.speaking or self._turn.paused
        return self._reply(now, unasked=not said)

    def engine_stopped(self, now: float) -> list[Action]:
        """It heard the caller over what it said, and goes on with nothing of it."""
        if not self.busy:
            return []
        self._agent.owes = False
        stopped = [*self._interruptions.forget(), StopTimer("filler")]
        return stopped + self.silence_agent(barge_in=self._agent.speaking) + self.settle(now)

    def _engine_takes_turn(self, text: str, now: float) -> list[Action]:
        """It answers whether it is let or not, and what it said before is over for it."""
        self._turn.final(text, from_finalize=False, end_of_turn=True)
        stopped = [*self._interruptions.forget(), *self.silence_agent(barge_in=self._agent.speaking)]
        return stopped + self._reply(now)

    # -- the agent

    def say(self, text: str, *, greeting: bool = False) -> list[Action]:
        """Words of our own."""
        self._agent.says(greeting=greeting)
        self._interruptions.held = False
        return [StopTimer("silence"), *self._draft.drop(), Say(text)]

    def audible(self, now: float) -> list[Action]:
        return [StopTimer("filler")] if self._agent.audible(now) else []

    def finished(self) -> list[Action]:
        """All of a reply was heard, or it turned out to be empty; `settle` says what comes next."""
        self._engine_late = self._rules.engine_leads and self._agent.owes
        self._agent.finished()
        self._interruptions.held = False
        # What is being said over the end of an answer is the next turn.
        return [StopTimer("filler"), *self._interruptions.forget()]

    def stop(self) -> list[Action]:
        """Nothing that the caller does matters any more; what the agent says goes on."""
        return [
            *(StopTimer(name) for name in _CALLER_TIMERS),
            StopTimer("filler"),
            *self._interruptions.forget(),
            *self._draft.drop(),
        ]

    def silence_agent(self, *, barge_in: bool = False) -> list[Action]:
        """Drop what the agent says, if it does."""
        self._interruptions.held = False
        return [CancelReply(barge_in=barge_in)] if self._agent.silenced() else []

    def sound_again(self) -> list[Action]:
        """What is held back is heard after all."""
        return self._interruptions.sound_again()

    def forget_caller(self) -> None:
        """What they said is answered by nobody."""
        self._turn.take()
        self._agent.owes = False

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
                return self._finals.ask(now) if self._interruptions.needs_proof() else []
            case "stable":
                return [] if self.busy else self._draft_answer()
            case "filler":
                waiting = self._agent.thinking and not (self._interruptions.held or self._agent.own_words)
                return [Interject(self._filler)] if waiting else []
            case "keys":
                self._turn.end_keys()
                return self.settle(now)
        return []

    def settle(self, now: float) -> list[Action]:
        """Nobody has the turn unless the caller has: answer, wait, or listen."""
        if self._agent.has_more and not self.busy:
            return self._reply(now, unasked=True)
        if self.busy or self._turn.speaking or self._turn.finals_due or self._turn.pressing:
            return []
        if not self._turn.text and (self._rules.needs_words or not self._turn.paused):
            return self._reply(now) if self._agent.owes else self._listen(now)
        due = self._turn.due(now, self._asked)
        if due <= now:
            return self._reply(now)
        return [StartTimer("hold", due), *self._draft_answer()]

    def _hold_is_over(self, now: float) -> list[Action]:
        if self.busy or self._turn.speaking or self._turn.finals_due or self._turn.pressing:
            return []
        return self._reply(now) if self._turn.text or self._turn.paused or self._agent.owes else self._listen(now)

    def _give_up_on_words(self, now: float) -> list[Action]:
        if asking := self._finals.overdue(now):
            return asking
        words_from = self._turn.length
        if self._rules.engine_leads:
            self._turn.interim("")  # it makes nothing of it, and would tell it again if it did
        self._turn.give_up_on_finals()
        if not self.busy:
            return self.settle(now)
        return self._weigh(now, words_from, interim=False) if self._interruptions.pending else []

    # -- both at once

    def _weigh(self, now: float, words_from: int, *, interim: bool) -> list[Action]:
        """Words came while the agent has the turn."""
        decision = self._interruptions.words_came(self._agent.turn, words_from, self._asked, interim=interim)
        return self._follow(decision, now)

    def _follow(self, decision: Decision, now: float) -> list[Action]:
        actions = decision.actions
        if decision.taken:
            stopped = [*actions, StopTimer("filler"), *self.silence_agent(barge_in=self._agent.speaking)]
            if self._turn.guessing and not self._turn.speaking and not self._turn.finals_due:
                return stopped + self._finals.ask(now)  # of a voice too soft for the VAD, whose end nobody tells
            return stopped + self.settle(now)
        if decision.dismissed and self._filler and self._agent.thinking:
            return [*actions, StartTimer("filler", now + self._settings.filler_after_s)]
        return actions

    def _missed_words(self, now: float) -> list[Action]:
        """The words of before the answer came after it was begun."""
        open_to_more = self._interruptions.settings_for(self._agent.turn).mode != "off" and not self._agent.own_words
        if self._agent.thinking and open_to_more and self._turn.text:
            return self._follow(self._interruptions.take(), now)  # it would miss them
        return []  # answered after what is being said

    # -- steps

    def _listen(self, now: float) -> list[Action]:
        self._turn.take()
        patience = self._settings.silence_timeout_s + (LATE_S if self._engine_late else 0.0)
        self._engine_late = False
        return [*self._draft.drop(), StartTimer("silence", now + patience)]

    def _reply(self, now: float, *, unasked: bool = False) -> list[Action]:
        """`unasked` is one for which nobody's turn has ended."""
        trigger, text = None if unasked else self._turn.trigger, self._turn.take()
        self._finals.answered()
        self._agent.thinks()
        self._draft.taken()
        actions: list[Action] = [StopTimer(name) for name in _CALLER_TIMERS]
        actions.append(StartReply(text, trigger))
        if self._filler:
            actions.append(StartTimer("filler", now + self._settings.filler_after_s))
        if self._turn.pressing:  # an engine does not wait for them
            actions.append(StartTimer("keys", now + self._settings.keys_s))
        return actions

    def _draft_answer(self) -> list[Action]:
        return self._draft.begin(self._turn.guess) if self._settings.preemptive else []
