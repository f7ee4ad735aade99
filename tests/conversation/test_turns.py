"""Who may speak when, rule by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.conversation.actions import (
    CancelReply,
    Ending,
    Farewell,
    FinalizeTranscript,
    HangUp,
    Interject,
    Lines,
    Say,
    StartReply,
    StartTimer,
    StopTimer,
    TimerName,
)
from getpatter.conversation.agent_part import AgentSide
from getpatter.conversation.turns import Stage, TurnMachine
from getpatter.testing.turn_machines import AGENT, LINES, SETTINGS, hang_up, kinds, listening, speaking, thinking

# -- beginning


def test_the_first_message_is_said_when_the_line_opens() -> None:
    machine = TurnMachine(SETTINGS, Lines(first_message="Good morning."))
    assert Say("Good morning.") in machine.on_start(0.0)


def test_without_a_first_message_the_agent_waits_to_be_spoken_to() -> None:
    machine = TurnMachine(SETTINGS, LINES)
    assert machine.on_start(0.0) == [StartTimer("duration", 600.0), StartTimer("silence", 10.0)]


# -- the caller's turn


def test_the_callers_turn_ends_with_silence_and_their_words() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    assert FinalizeTranscript() in machine.on_speech_ended(2.0)
    assert StartReply("two people please") in machine.on_transcript("two people please", 2.1)


def test_an_utterance_in_several_finals_is_one_turn() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    assert machine.on_transcript("a table for two", 2.0) == [StopTimer("transcript")]
    machine.on_speech_ended(3.0)
    assert StartReply("a table for two at seven") in machine.on_transcript("at seven", 3.1)


def test_a_caller_who_goes_on_before_the_words_came_keeps_the_turn() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.0)
    machine.on_speech_started(2.05)
    assert machine.on_transcript("my number is", 2.1) == [StopTimer("transcript")]
    machine.on_speech_ended(4.0)
    assert StartReply("my number is five five five") in machine.on_transcript("five five five", 4.1)


def test_a_pause_whose_words_are_still_due_does_not_end_the_turn_after_it() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.0)
    machine.on_speech_started(2.1)
    machine.on_speech_ended(3.0)
    assert machine.on_transcript("first", 3.1) == [], "the second pause's words are still to come"
    assert StartReply("first second") in machine.on_transcript("second", 3.2)


def test_noise_that_holds_no_words_is_no_turn() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    machine.on_speech_ended(1.3)
    assert machine.on_transcript("  ", 1.4) == [StopTimer("transcript"), StartTimer("silence", 11.4)]
    assert machine.agent is AgentSide.SILENT


def test_words_that_only_the_recogniser_heard_are_answered() -> None:
    assert StartReply("hello") in listening().on_transcript("hello", 1.0)


def test_a_recogniser_that_stays_silent_does_not_hold_the_call() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    assert StartTimer("transcript", 5.0) in machine.on_speech_ended(2.0)
    assert machine.on_timer("transcript", 5.0) == [StartTimer("silence", 15.0)]


def test_a_guess_has_to_do_when_the_final_words_never_come() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    machine.on_interim("a table for two", 1.5)
    machine.on_speech_ended(2.0)
    assert StartReply("a table for two") in machine.on_timer("transcript", 5.0)


def test_final_words_that_come_after_their_guess_was_answered_are_not_said_twice() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    machine.on_interim("a table for two", 1.5)
    machine.on_speech_ended(2.0)
    machine.on_timer("transcript", 5.0)
    machine.on_agent_audible(5.1)
    machine.on_transcript("A table for two.", 5.5)
    assert StartReply not in kinds(machine.on_agent_finished(7.0))


def test_what_was_understood_is_answered_when_the_rest_never_comes() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    machine.on_transcript("a table for two", 1.5)
    machine.on_speech_ended(2.0)
    assert StartReply("a table for two") in machine.on_timer("transcript", 5.0)


def test_a_streaming_final_that_comes_after_its_guess_was_answered_is_not_answered_again() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    machine.on_interim("a cable for two", 1.5)
    machine.on_speech_ended(2.0)
    machine.on_timer("transcript", 5.0)
    actions = machine.on_transcript("A table for two.", 5.2, from_finalize=False)
    assert not {StartReply, CancelReply} & kinds(actions)


def test_what_the_final_words_say_beyond_their_guess_is_not_lost() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    machine.on_interim("a table for two", 1.5)
    machine.on_speech_ended(2.0)
    machine.on_timer("transcript", 5.0)
    assert StartReply("at seven") in machine.on_transcript("A table for two at seven", 5.2, from_finalize=False)


# -- answers that take long

FILLED = replace(LINES, filler="One moment.")


def test_an_answer_that_takes_long_is_announced() -> None:
    machine = listening(lines=FILLED)
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.0)
    assert StartTimer("filler", 6.1) in machine.on_transcript("hello", 2.1)
    assert machine.on_timer("filler", 6.1) == [Interject("One moment.")]


def test_an_answer_that_can_be_heard_is_not_announced() -> None:
    machine = thinking(lines=FILLED)
    assert StopTimer("filler") in machine.on_agent_audible(3.0)
    assert machine.on_timer("filler", 6.1) == []


# -- silence and limits


def test_after_long_silence_the_agent_asks_once_and_then_says_goodbye() -> None:
    machine = listening()
    assert Say("Are you there?") in machine.on_timer("silence", 10.0)
    machine.on_agent_audible(10.1)
    machine.on_agent_finished(11.0)
    assert Say("Nobody there. Goodbye.") in machine.on_timer("silence", 21.0)
    machine.on_agent_audible(21.1)
    ended = hang_up(machine.on_agent_finished(23.0))
    assert ended is not None
    assert ended.farewell.ended_by == "limit"


def test_a_caller_who_spoke_again_is_asked_again() -> None:
    machine = listening()
    machine.on_timer("silence", 10.0)
    machine.on_agent_audible(10.1)
    machine.on_agent_finished(11.0)
    machine.on_speech_started(12.0)
    machine.on_speech_ended(12.5)
    machine.on_transcript("", 12.6)
    assert Say("Are you there?") in machine.on_timer("silence", 23.0)


def test_at_the_limit_the_agent_says_so_and_hangs_up() -> None:
    machine = speaking()
    actions = machine.on_timer("duration", 600.0)
    assert CancelReply(barge_in=False) in actions
    assert Say("Time is up. Goodbye.") in actions
    assert hang_up(actions) is None, "the words come first"
    machine.on_agent_audible(600.1)
    assert hang_up(machine.on_agent_finished(602.0)) is not None


# -- the end


def test_a_goodbye_is_heard_before_the_line_drops() -> None:
    machine = speaking()
    actions = machine.on_end_requested(AGENT, 4.0)
    assert hang_up(actions) is None
    assert Ending(AGENT) in actions
    assert StartTimer("goodbye", 19.0) in actions
    assert machine.on_agent_finished(6.0) == [HangUp(AGENT)]


def test_a_goodbye_is_not_interrupted() -> None:
    machine = speaking()
    machine.on_end_requested(AGENT, 4.0)
    assert machine.on_speech_started(4.5) == []
    assert machine.on_agent_finished(6.0) == [HangUp(AGENT)]


def test_an_end_without_words_is_at_once() -> None:
    assert HangUp(AGENT) in listening().on_end_requested(AGENT, 4.0)


def test_a_goodbye_that_is_never_heard_does_not_hold_the_line() -> None:
    machine = speaking()
    machine.on_end_requested(AGENT, 4.0)
    assert HangUp(AGENT) in machine.on_timer("goodbye", 19.0)


def test_a_long_goodbye_is_heard_to_its_end() -> None:
    machine = speaking()
    machine.on_end_requested(AGENT, 4.0)
    assert machine.on_timer("goodbye", 19.0, sounding=True) == [StartTimer("goodbye", 34.0)]
    assert machine.on_agent_finished(40.0) == [HangUp(AGENT)]


def test_a_recogniser_that_is_lost_during_the_goodbye_changes_nothing() -> None:
    machine = speaking()
    machine.on_end_requested(AGENT, 4.0)
    assert machine.on_failure("the recogniser was lost", 5.0, can_speak=True) == []
    assert machine.on_agent_finished(6.0) == [HangUp(AGENT)]


def test_words_that_come_late_are_answered_after_the_agents_own() -> None:
    machine = speaking()
    assert machine.on_transcript("and for two", 3.5) == [StopTimer("transcript")]
    assert StartReply("and for two") in machine.on_agent_finished(5.0)


def test_a_lost_recogniser_is_apologised_for() -> None:
    machine = speaking()
    actions = machine.on_failure("the recogniser was lost", 4.0, can_speak=True)
    assert Say("Something broke. Goodbye.") in actions
    machine.on_agent_audible(4.1)
    ended = hang_up(machine.on_agent_finished(6.0))
    assert ended is not None
    assert ended.farewell == Farewell("engine", "the recogniser was lost")


def test_a_lost_voice_ends_the_call_at_once() -> None:
    assert hang_up(thinking().on_failure("the voice was lost", 4.0, can_speak=False)) is not None


def test_a_goodbye_that_fails_ends_the_call() -> None:
    machine = speaking()
    machine.on_end_requested(AGENT, 4.0)
    assert HangUp(AGENT) in machine.on_failure("the voice was lost", 5.0, can_speak=False)


def test_a_stopping_engine_says_goodbye() -> None:
    assert Say("We are closing. Goodbye.") in speaking().on_shutdown(4.0)


# -- machines


def test_a_message_is_left_after_the_greeting() -> None:
    machine = speaking()
    assert CancelReply(barge_in=False) in machine.on_machine(1.0, greeting_ended=False)
    assert machine.on_speech_started(2.0) == [], "a greeting is no conversation"
    assert Say("Please call back.") in machine.on_machine(6.0, greeting_ended=True)
    machine.on_agent_audible(6.1)
    assert hang_up(machine.on_agent_finished(8.0)) is not None


def test_a_greeting_that_never_ends_is_spoken_over() -> None:
    machine = listening()
    machine.on_machine(1.0, greeting_ended=False)
    assert Say("Please call back.") in machine.on_timer("greeting", 46.0)


def test_without_a_message_the_agent_hangs_up_on_machines() -> None:
    machine = TurnMachine(SETTINGS, Lines())
    machine.on_start(0.0)
    assert hang_up(machine.on_machine(1.0, greeting_ended=False)) is not None


# -- always

EVENTS = (
    "speech_started",
    "speech_ended",
    "words",
    "no_words",
    "audible",
    "finished",
    "end",
    "failure",
    "lost_voice",
    "machine",
    "beep",
    "shutdown",
    "silence",
    "transcript",
    "duration",
    "greeting",
    "goodbye",
)
TIMERS: tuple[TimerName, ...] = ("silence", "transcript", "duration", "goodbye", "greeting")


def tell(machine: TurnMachine, event: str, now: float) -> list[object]:
    match event:
        case "speech_started":
            return [*machine.on_speech_started(now)]
        case "speech_ended":
            return [*machine.on_speech_ended(now)]
        case "words":
            return [*machine.on_transcript("words", now)]
        case "no_words":
            return [*machine.on_transcript("", now)]
        case "audible":
            return [*machine.on_agent_audible(now)]
        case "finished":
            return [*machine.on_agent_finished(now)]
        case "end":
            return [*machine.on_end_requested(AGENT, now)]
        case "failure":
            return [*machine.on_failure("broken", now, can_speak=True)]
        case "lost_voice":
            return [*machine.on_failure("broken", now, can_speak=False)]
        case "machine":
            return [*machine.on_machine(now, greeting_ended=False)]
        case "beep":
            return [*machine.on_machine(now, greeting_ended=True)]
        case "shutdown":
            return [*machine.on_shutdown(now)]
        case _:
            return [*machine.on_timer(next(name for name in TIMERS if name == event), now, sounding=False)]


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_whatever_happens_the_call_hangs_up_once_and_then_does_nothing(events: list[str]) -> None:
    machine = listening()
    hung_up = False
    for now, event in enumerate(events, start=1):
        actions = tell(machine, event, float(now))
        if hung_up:
            assert actions == []
        hung_up = hung_up or any(isinstance(action, HangUp) for action in actions)
    assert hung_up == (machine.stage is Stage.ENDED)


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_whatever_happens_a_timer_leads_on(events: list[str]) -> None:
    """No state waits for ever: while the call lives, a timer is running that changes something."""
    machine = listening()
    running: set[str] = {"duration", "silence"}
    for now, event in enumerate(events, start=1):
        if event in TIMERS:
            if event not in running:
                continue
            running.discard(event)
        for action in tell(machine, event, float(now)):
            if isinstance(action, StartTimer):
                running.add(action.name)
            elif isinstance(action, StopTimer):
                running.discard(action.name)
    if machine.stage is not Stage.ENDED:
        assert running & {"duration", "goodbye"}


@pytest.mark.parametrize("event", ["speech_started", "speech_ended", "words", "no_words"])
def test_nobody_talks_to_a_call_that_is_over(event: str) -> None:
    machine = listening()
    machine.on_end_requested(AGENT, 1.0)
    assert tell(machine, event, 2.0) == []
