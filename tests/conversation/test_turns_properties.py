"""No order of events leaves both sides waiting, answers the same words twice, or does anything after the end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from getpatter.agent import TurnSettings
from getpatter.barge_in import BargeInSettings, MinWordsStrategy
from getpatter.conversation import actions
from getpatter.conversation.actions import Action, Farewell, Lines, TimerName
from getpatter.conversation.agent_part import AgentSide
from getpatter.conversation.talk import Rules
from getpatter.conversation.turns import Stage, TurnMachine

LINES = Lines(
    first_message="Good morning.",
    still_there="Are you there?",
    silence="Nobody there. Goodbye.",
    time_limit="Time is up. Goodbye.",
    error="Something broke. Goodbye.",
    shutdown="We are closing. Goodbye.",
    voicemail="Please call back.",
    filler="One moment.",
)
LEADING_ON: frozenset[TimerName] = frozenset({"silence", "transcript", "hold", "monologue", "keys", "greeting"})
"""Timers of which one must run while nobody says anything.  The limit of the whole call is no way out of a silence."""
LONGEST_END_S = 200.0
"""Nobody does anything any more: the longest the call may last."""

barge_ins = st.builds(
    BargeInSettings,
    mode=st.sampled_from(("off", "cancel", "pause_resume", "confirm")),
    start_s=st.sampled_from((0.0, 0.2)),
    gate_s=st.sampled_from((0.0, 0.4)),
    backchannels=st.booleans(),
    strategies=st.sampled_from(((), (MinWordsStrategy(min_words=2),))),
)
turn_settings = st.builds(
    TurnSettings,
    endpointing=st.sampled_from(("silence", "recogniser")),
    while_speaking=barge_ins,
    while_thinking=barge_ins,
    preemptive=st.booleans(),
)
lines = st.sampled_from((LINES, Lines(first_message="Good morning.", voicemail="Please call back."), Lines()))
about_words = {
    "patience": st.just(lambda text, asked: 1.0 if text.endswith("um") else 0.0),
    "backchannel": st.just(lambda text, said, greeting: text.startswith("mhm")),
    "turn_detector": st.booleans(),
}
rules = st.one_of(
    st.builds(Rules, **about_words, needs_words=st.booleans()),
    st.builds(Rules, **about_words, engine_leads=st.just(True)),
)


@dataclass(slots=True)
class Reply:
    """What the agent says, or is about to."""

    audible: bool = False
    held: bool = False


@dataclass(slots=True)
class Recogniser:
    """Understands what was said since its last final; a final that was asked for may be late, or never come."""

    understood: list[str] = field(default_factory=list)
    guessed: int = 0
    """So many of them were told as a guess."""
    asked: int = 0

    def final(self) -> str:
        words, self.understood, self.guessed = self.understood, [], 0
        return " ".join(words)


class Shell:
    """Does what the machine says, and says where it cannot be done."""

    def __init__(self, settings: TurnSettings, said: Lines, rules: Rules) -> None:
        self.machine = TurnMachine(settings, said, rules)
        self.engine_leads = rules.engine_leads
        self.now = 0.0
        self.timers: dict[TimerName, float] = {}
        self.recogniser = Recogniser()
        self.judging = False
        self.voice = False
        """By the voice detector, which starts afresh at each turn of the agent."""
        self.reply: Reply | None = None
        self.draft: str | None = None
        self.owed = False
        """A reply was taken back before anything of it was heard."""
        self.told: list[str] = []
        """Words that the machine was given for certain."""
        self.settled: list[str] = []
        """Those that were answered, noted, or dismissed."""
        self.ended = False
        self.perform(self.machine.on_start(0.0))

    def perform(self, decided: list[Action]) -> None:
        for action in decided:
            assert not self.ended, f"{action} after the end"
            self._do(action)

    def _do(self, action: Action) -> None:
        match action:
            case actions.StartTimer(name, at):
                assert at >= self.now
                self.timers[name] = at
            case actions.StopTimer(name):
                self.timers.pop(name, None)
            case actions.FinalizeTranscript():
                self.recogniser.asked += 1
            case actions.JudgeTurn():
                self.judging = True
            case actions.NoteWords(text):
                self.settle(text)
            case actions.Dismiss(words=words):
                self.settle(words)
            case actions.HangUp():
                self.ended = True
            case _:
                self._speak(action)

    def _speak(self, action: Action) -> None:
        match action:
            case actions.StartReply(text):
                assert self.reply is None, "one reply at a time"
                self.settle(text)
                self.draft = None  # adopted, where it answers these words
                self.reply, self.voice = Reply(), False
            case actions.Say():
                assert self.reply is None, "one reply at a time"
                assert self.draft is None, "its sound would be dropped with the draft"
                self.reply, self.voice = Reply(), False
            case actions.StartDraft(text):
                assert self.reply is None, "a draft would take the sound of the reply"
                self.draft = text
            case actions.DropDraft():
                assert self.draft is not None
                self.draft = None
            case actions.Interject():
                assert self.reply is not None
                assert not self.reply.audible
            case actions.HoldReply():
                assert self.reply is not None
                assert not self.reply.held
                self.reply.held = True
            case actions.ResumeReply():
                assert self.reply is not None
                assert self.reply.held
                self.reply.held = self.voice = False
            case actions.CancelReply():
                assert self.reply is not None, "there is nothing to cancel"
                self.reply = None

    def settle(self, words: str) -> None:
        for word in words.split():
            if word.startswith(("word", "mhm")):
                assert word not in self.settled, "once is enough"
                self.settled.append(word)

    # -- what happens

    def passes(self, seconds: float) -> None:
        until = self.now + seconds
        while self.timers and not self.ended:
            name = min(self.timers, key=lambda name: self.timers[name])
            if self.timers[name] > until:
                break
            self.fire(name)
        self.now = until

    def fire(self, name: TimerName) -> None:
        self.now = max(self.now, self.timers.pop(name))
        if name == "transcript":
            del self.recogniser.understood[: self.recogniser.guessed]  # the guess is taken for the final
            self.recogniser.guessed = self.recogniser.asked = 0
        sounding = self.reply is not None and self.reply.audible
        self.perform(self.machine.on_timer(name, self.now, sounding=sounding))

    def final(self, *, from_finalize: bool, end_of_turn: bool = False) -> None:
        text = self.recogniser.final()
        self.told += text.split()
        self.perform(self.machine.on_transcript(text, self.now, from_finalize=from_finalize, end_of_turn=end_of_turn))

    def audible(self) -> None:
        assert self.reply is not None
        self.reply.audible = True
        self.perform(self.machine.on_agent_audible(self.now))

    def finish(self) -> None:
        self.reply = None
        self.perform(self.machine.on_agent_finished(self.now))

    @property
    def waits(self) -> bool:
        """Nobody does anything, and no time that is set will change it."""
        return not (self.ended or self.voice or self.reply or self.timers.keys() & LEADING_ON)


def words_of(number: int) -> st.SearchStrategy[str]:
    return st.sampled_from((f"word{number}", f"word{number} um", f"mhm{number}"))


class Turns(RuleBasedStateMachine):
    """A call in which anything happens at any time."""

    shell: Shell
    words = 0

    @initialize(settings=turn_settings, lines=lines, rules=rules)
    def begin(self, settings: TurnSettings, lines: Lines, rules: Rules) -> None:
        self.shell = Shell(settings, lines, rules)

    def happens(self, decided: list[Action]) -> None:
        self.shell.perform(decided)

    # -- time

    @rule(seconds=st.sampled_from((0.1, 0.5, 1.0, 2.0, 5.0, 13.0)))
    def time_passes(self, seconds: float) -> None:
        self.shell.passes(seconds)

    # -- the caller

    @precondition(lambda self: not self.shell.voice)
    @rule()
    def the_voice_begins(self) -> None:
        self.shell.voice = True
        self.happens(self.shell.machine.on_speech_started(self.shell.now))

    @precondition(lambda self: self.shell.voice)
    @rule(silence_s=st.sampled_from((0.0, 0.5)))
    def the_voice_ends(self, silence_s: float) -> None:
        if not self.shell.voice:
            return  # forgotten meanwhile
        self.shell.voice = False
        self.happens(self.shell.machine.on_speech_ended(self.shell.now, silence_s))

    @rule(data=st.data())
    def something_is_said(self, data: st.DataObject) -> None:
        self.words += 1
        self.shell.recogniser.understood += data.draw(words_of(self.words)).split()

    @precondition(lambda self: not self.shell.voice)
    @rule(data=st.data())
    def a_sentence_is_spoken(self, data: st.DataObject) -> None:
        """The ordinary way, which single events seldom happen to make."""
        self.the_voice_begins()
        self.something_is_said(data)
        self.shell.passes(0.4)
        self.the_voice_ends(0.5)
        if self.shell.recogniser.asked:
            self.a_final_that_was_asked_for_comes()

    @precondition(lambda self: self.shell.recogniser.understood)
    @rule()
    def the_recogniser_guesses(self) -> None:
        recogniser = self.shell.recogniser
        recogniser.guessed = len(recogniser.understood)
        self.happens(self.shell.machine.on_interim(" ".join(recogniser.understood), self.shell.now))

    @precondition(lambda self: self.shell.recogniser.asked)
    @rule()
    def a_final_that_was_asked_for_comes(self) -> None:
        self.shell.recogniser.asked -= 1
        if self.shell.engine_leads:  # its words come with the turn that it takes
            self.happens(self.shell.machine.on_transcript("", self.shell.now))
        else:
            self.shell.final(from_finalize=True)

    @precondition(lambda self: self.shell.recogniser.understood)
    @rule(end_of_turn=st.booleans())
    def a_final_comes_by_itself(self, end_of_turn: bool) -> None:
        self.shell.final(from_finalize=False, end_of_turn=end_of_turn)

    @precondition(lambda self: self.shell.engine_leads)
    @rule()
    def the_engine_takes_the_turn(self) -> None:
        """Whether it has understood something or not."""
        self.shell.final(from_finalize=False, end_of_turn=True)

    @precondition(lambda self: self.shell.engine_leads)
    @rule()
    def the_engine_speaks_up(self) -> None:
        self.happens(self.shell.machine.on_engine_speaks(self.shell.now))

    @precondition(lambda self: self.shell.engine_leads)
    @rule()
    def the_engine_stops(self) -> None:
        self.happens(self.shell.machine.on_engine_stopped(self.shell.now))

    @precondition(lambda self: self.shell.judging)
    @rule(complete=st.sampled_from((True, False, None)))
    def the_turn_is_judged(self, complete: bool | None) -> None:
        self.shell.judging = False
        self.happens(self.shell.machine.on_turn_judged(complete, self.shell.now))

    @rule()
    def a_key_is_pressed(self) -> None:
        self.happens(self.shell.machine.on_key("1", self.shell.now))

    # -- the agent

    @precondition(lambda self: self.shell.reply and not self.shell.reply.audible and not self.shell.reply.held)
    @rule()
    def the_reply_is_audible(self) -> None:
        self.shell.audible()

    @precondition(lambda self: self.shell.reply and not (self.shell.reply.audible and self.shell.reply.held))
    @rule()
    def the_reply_is_over(self) -> None:
        """Also one that turns out to be empty, even while it is held."""
        self.shell.finish()

    # -- the end

    @precondition(lambda self: self.words > 2)
    @rule(words=st.sampled_from(("", "Goodbye.")))
    def the_end_is_asked_for(self, words: str) -> None:
        self.happens(self.shell.machine.on_end_requested(Farewell("agent", "it is over"), self.shell.now, words=words))

    @precondition(lambda self: self.words > 2)
    @rule(can_speak=st.booleans())
    def a_provider_fails(self, can_speak: bool) -> None:
        self.happens(self.shell.machine.on_failure("lost", self.shell.now, can_speak=can_speak))

    @precondition(lambda self: self.words > 2)
    @rule(greeting_ended=st.booleans())
    def a_machine_is_found(self, greeting_ended: bool) -> None:
        self.happens(self.shell.machine.on_machine(self.shell.now, greeting_ended=greeting_ended))

    # -- what holds

    @invariant()
    def somebody_will_go_on(self) -> None:
        assert not self.shell.waits, self.shell.timers

    @invariant()
    def machine_and_shell_agree(self) -> None:
        machine = self.shell.machine
        assert self.shell.ended == (machine.stage is Stage.ENDED)
        assert self.shell.ended or (machine.agent is AgentSide.SILENT) == (self.shell.reply is None)

    @invariant()
    def no_word_is_lost_while_the_call_goes_on(self) -> None:
        if self.shell.machine.stage is Stage.TALK:
            waiting = self.shell.machine.unanswered.split()
            missing = set(self.shell.told) - {*self.shell.settled, *waiting, "um"}
            assert not missing

    def teardown(self) -> None:
        """Whatever has happened: when nothing more does, what is begun is brought to its end, and then the call."""
        shell, began = self.shell, self.shell.now
        if shell.voice:
            self.the_voice_ends(0.5)
        while not shell.ended:
            if shell.reply is not None and not shell.reply.held:
                shell.finish()
                continue
            due = min(shell.timers.values(), default=math.inf)
            assert due < began + LONGEST_END_S, "the call waits for ever"
            shell.passes(max(0.0, due - shell.now))


Turns.TestCase.settings = examples(max_examples=250, stateful_step_count=40)
TestTurns = Turns.TestCase
