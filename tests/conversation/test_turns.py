"""Who may speak when, rule by rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.agent import TurnSettings
from getpatter.barge_in import BargeInMode, BargeInSettings, MinWordsStrategy
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
from getpatter.conversation.agent_part import AgentSide
from getpatter.conversation.talk import Rules
from getpatter.conversation.turns import Stage, TurnMachine

LINES = Lines(
    still_there="Are you there?",
    silence="Nobody there. Goodbye.",
    time_limit="Time is up. Goodbye.",
    error="Something broke. Goodbye.",
    shutdown="We are closing. Goodbye.",
    voicemail="Please call back.",
)
SETTINGS = TurnSettings(silence_timeout_s=10.0, stt_timeout_s=3.0, goodbye_timeout_s=15.0, max_duration_s=600.0)
AGENT = Farewell("agent", "the agent ended the call")


def listening(settings: TurnSettings = SETTINGS, *, rules: Rules | None = None, lines: Lines = LINES) -> TurnMachine:
    machine = TurnMachine(settings, lines, rules)
    machine.on_start(0.0)
    return machine


def thinking(settings: TurnSettings = SETTINGS, *, rules: Rules | None = None, lines: Lines = LINES) -> TurnMachine:
    """Since 2.1, about what the caller said: hello."""
    machine = listening(settings, rules=rules, lines=lines)
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.0, 0.5)
    assert StartReply("hello") in machine.on_transcript("hello", 2.1)
    return machine


def speaking(settings: TurnSettings = SETTINGS, *, rules: Rules | None = None) -> TurnMachine:
    """Since 3.0."""
    machine = thinking(settings, rules=rules)
    machine.on_agent_audible(3.0)
    return machine


def over(mode: BargeInMode, **more: Any) -> TurnSettings:
    """Settings for what happens to a voice over the agent."""
    barge_in = BargeInSettings(mode=mode, **more)
    return replace(SETTINGS, while_speaking=barge_in, while_thinking=barge_in)


def kinds(actions: Iterable[Action]) -> set[type[Action]]:
    return {type(action) for action in actions}


def hang_up(actions: object) -> HangUp | None:
    assert isinstance(actions, list)
    return next((action for action in actions if isinstance(action, HangUp)), None)


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


# -- has the caller finished?


def test_an_unfinished_sentence_is_waited_for() -> None:
    machine = listening(rules=Rules(patience=lambda text, asked: 1.0 if text.endswith("and") else 0.0))
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.5, 0.5)
    assert StartTimer("hold", 3.5) in machine.on_transcript("a table and", 2.6), "half a second and one more"
    assert StartReply("a table and") in machine.on_timer("hold", 3.5)


def test_a_caller_who_goes_on_while_being_waited_for_keeps_the_turn() -> None:
    machine = listening(rules=Rules(patience=lambda text, asked: 1.0 if text.endswith("and") else 0.0))
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.5, 0.5)
    machine.on_transcript("a table and", 2.6)
    assert StopTimer("hold") in machine.on_speech_started(3.0)
    machine.on_speech_ended(4.0, 0.5)
    assert StartReply("a table and two chairs") in machine.on_transcript("two chairs", 4.1)


def test_patience_is_told_what_the_agent_had_asked() -> None:
    asked: list[str] = []

    def patience(text: str, question: str) -> float:
        asked.append(question)
        return 0.0

    machine = listening(rules=Rules(patience=patience))
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.5)
    machine.on_transcript("two", 2.6, over="For how many?")
    assert asked == ["For how many?"]


def test_patience_can_be_switched_off() -> None:
    machine = listening(replace(SETTINGS, patience=False), rules=Rules(patience=lambda text, asked: 1.0))
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.5, 0.5)
    assert StartReply("and") in machine.on_transcript("and", 2.6)


DETECTOR = Rules(turn_detector=True)


def test_a_turn_detector_is_asked_at_each_pause() -> None:
    machine = listening(rules=DETECTOR)
    machine.on_speech_started(1.0)
    assert JudgeTurn() in machine.on_speech_ended(2.0, 0.2)


def test_the_answer_of_a_turn_detector_is_waited_for_but_not_for_ever() -> None:
    machine = listening(rules=DETECTOR)
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.5, 0.5)
    assert StartTimer("hold", 3.2) in machine.on_transcript("my name is", 2.6), "1.2 s after the last speech"
    assert StartReply("my name is") in machine.on_timer("hold", 3.2)


def test_a_turn_that_is_judged_complete_is_answered_at_once() -> None:
    machine = listening(rules=DETECTOR)
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.5, 0.5)
    machine.on_transcript("that is all", 2.6)
    assert StartReply("that is all", "turn_detector") in machine.on_turn_judged(True, 2.65)


def test_a_turn_that_is_judged_unfinished_is_held_and_no_longer_than_its_limit() -> None:
    machine = listening(rules=DETECTOR)
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.5, 0.5)
    machine.on_transcript("my name is", 2.6)
    assert StartTimer("hold", 3.2) in machine.on_turn_judged(False, 2.65)
    assert StartReply("my name is") in machine.on_timer("hold", 3.2)


def test_without_an_opinion_silence_decides() -> None:
    machine = listening(rules=DETECTOR)
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.5, 0.5)
    machine.on_transcript("my name is", 2.6)
    assert StartReply("my name is") in machine.on_turn_judged(None, 2.65)


def test_a_judgement_on_a_pause_that_is_over_counts_no_more() -> None:
    machine = listening(rules=DETECTOR)
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.5, 0.5)
    machine.on_transcript("my name is", 2.6)
    machine.on_speech_started(2.62)
    assert machine.on_turn_judged(True, 2.65) == []


RECOGNISER = replace(SETTINGS, endpointing="recogniser", recogniser_turn_s=2.0)


def test_a_recogniser_that_decides_ends_the_turn() -> None:
    machine = listening(RECOGNISER)
    machine.on_speech_started(1.0)
    assert FinalizeTranscript not in kinds(machine.on_speech_ended(2.0, 0.2)), "it finds the end by itself"
    assert machine.on_transcript("I would like", 2.1, from_finalize=False) == []
    actions = machine.on_transcript("to book a table", 2.6, from_finalize=False, end_of_turn=True)
    assert StartReply("I would like to book a table", "recogniser") in actions


def test_a_recogniser_that_decides_may_be_quicker_than_the_vad() -> None:
    machine = listening(RECOGNISER)
    machine.on_speech_started(1.0)
    actions = machine.on_transcript("yes", 1.6, from_finalize=False, end_of_turn=True)
    assert StartReply("yes", "recogniser") in actions
    assert machine.on_speech_ended(1.8, 0.2) == [], "the agent has the turn"


def test_silence_decides_where_the_recogniser_does_not() -> None:
    machine = listening(RECOGNISER)
    machine.on_speech_started(1.0)
    assert StartTimer("transcript", 4.0) in machine.on_speech_ended(2.0, 0.2)
    machine.on_transcript("hello", 2.1, from_finalize=False)
    assert FinalizeTranscript() in machine.on_timer("transcript", 4.0)
    assert StartReply("hello there") in machine.on_transcript("there", 4.1)


def test_a_recogniser_that_only_answers_when_asked_is_asked_in_the_end() -> None:
    machine = listening(RECOGNISER)
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.0, 0.2)
    assert FinalizeTranscript() in machine.on_timer("transcript", 4.0)
    assert machine.on_timer("transcript", 7.0) == [StartTimer("silence", 17.0)]


def test_the_finals_of_a_streaming_recogniser_do_not_end_the_turn() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.0)
    assert machine.on_transcript("I want", 2.05, from_finalize=False) == [], "the one that was asked for is due"
    assert StartReply("I want to go") in machine.on_transcript("to go", 2.2)


def test_a_voice_that_does_not_end_is_taken_for_ended() -> None:
    machine = listening()
    assert StartTimer("monologue", 61.0) in machine.on_speech_started(1.0)
    assert FinalizeTranscript() in machine.on_timer("monologue", 61.0)
    assert machine.on_transcript("", 61.1) == [StopTimer("transcript"), StartTimer("silence", 71.1)]


# -- keys


def test_keys_are_a_turn_when_no_more_come() -> None:
    machine = listening()
    assert StartTimer("keys", 2.5) in machine.on_key("1", 1.0)
    assert StartTimer("keys", 3.0) in machine.on_key("2", 1.5)
    assert StartReply("[pressed 1 2]", "keys") in machine.on_timer("keys", 3.0)


def test_keys_are_waited_for_although_the_words_before_them_are_complete() -> None:
    machine = listening(rules=Rules(patience=lambda text, asked: 1.0))
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.0)
    assert StartTimer("hold", 3.0) in machine.on_transcript("my number is", 2.1)
    assert StartTimer("keys", 4.0) in machine.on_key("5", 2.5)
    assert machine.on_timer("hold", 3.0) == []
    assert StartReply("my number is [pressed 5]", "keys") in machine.on_timer("keys", 4.0)


def test_a_key_interrupts_the_agent_at_once() -> None:
    machine = speaking()
    assert CancelReply(barge_in=True) in machine.on_key("0", 4.0)
    assert StartReply("[pressed 0]", "keys") in machine.on_timer("keys", 5.5)


# -- a voice over the agent: pause, and go on or stop


def test_the_agent_pauses_at_the_first_sound_of_a_voice() -> None:
    machine = speaking()
    assert HoldReply() in machine.on_speech_started(4.0)


def test_words_take_the_turn() -> None:
    machine = speaking()
    machine.on_speech_started(4.0)
    assert CancelReply(barge_in=True) in machine.on_interim("wait", 4.4)
    machine.on_speech_ended(5.0)
    assert StartReply("wait please") in machine.on_transcript("wait please", 5.1)


def test_a_recogniser_without_interims_decides_at_the_end_of_the_voice() -> None:
    machine = speaking()
    machine.on_speech_started(4.0)
    assert FinalizeTranscript() in machine.on_speech_ended(5.0)
    actions = machine.on_transcript("wait please", 5.1)
    assert actions.index(CancelReply(barge_in=True)) < actions.index(StartReply("wait please"))


def test_a_cough_does_not_stop_the_agent() -> None:
    machine = speaking()
    machine.on_speech_started(4.0)
    machine.on_speech_ended(4.6)
    actions = machine.on_transcript("", 4.7)
    assert Dismiss("noise") in actions
    assert actions[-1] == ResumeReply()
    assert machine.agent is AgentSide.SPEAKING


def test_a_sound_whose_words_never_come_does_not_stop_the_agent() -> None:
    machine = speaking()
    machine.on_speech_started(4.0)
    machine.on_speech_ended(4.6)
    assert ResumeReply() in machine.on_timer("transcript", 7.6)


def test_noise_that_goes_on_does_not_silence_the_agent() -> None:
    machine = speaking()
    assert StartTimer("confirm", 5.5) in machine.on_speech_started(4.0)
    assert FinalizeTranscript() in machine.on_timer("confirm", 5.5), "is there anything to understand?"
    assert ResumeReply() in machine.on_transcript("", 5.6)


def test_a_long_interruption_is_proved_while_it_lasts() -> None:
    machine = speaking()
    machine.on_speech_started(4.0)
    machine.on_timer("confirm", 5.5)
    assert CancelReply(barge_in=True) in machine.on_transcript("no no I said", 5.6)
    machine.on_speech_ended(7.0)
    assert StartReply("no no I said Tuesday") in machine.on_transcript("Tuesday", 7.1)


def test_on_a_noisy_line_the_agent_stops_pausing_for_mere_sounds() -> None:
    machine = speaking()
    machine.on_speech_started(4.0)
    machine.on_speech_ended(4.6)
    machine.on_transcript("", 4.7)
    assert HoldReply() not in machine.on_speech_started(5.0)
    assert CancelReply(barge_in=True) in machine.on_interim("excuse me", 5.3), "words still interrupt"


def test_after_a_real_interruption_the_agent_pauses_for_a_sound_again() -> None:
    machine = speaking()
    machine.on_speech_started(4.0)
    machine.on_speech_ended(4.6)
    machine.on_transcript("", 4.7)
    machine.on_speech_started(5.0)
    machine.on_interim("excuse me", 5.3)
    machine.on_speech_ended(6.0)
    machine.on_transcript("excuse me", 6.1)
    machine.on_agent_audible(6.2)
    assert HoldReply() in machine.on_speech_started(7.0)


# -- back-channels


def mm_hm(text: str, said: str, greeting: bool) -> bool:
    return not said.endswith("?") and (text == "mm-hm" or (greeting and text == "hello"))


LISTENER = Rules(backchannel=mm_hm)


def test_a_listeners_mm_hm_does_not_take_the_turn() -> None:
    machine = speaking(rules=LISTENER)
    machine.on_speech_started(4.0)
    assert CancelReply not in kinds(machine.on_interim("mm-hm", 4.3))
    machine.on_speech_ended(4.8)
    actions = machine.on_transcript("mm-hm", 4.9)
    assert Dismiss("backchannel", "mm-hm") in actions
    assert actions[-1] == ResumeReply()
    assert StartReply not in kinds(machine.on_agent_finished(8.0)), "nor is it answered afterwards"


def test_the_same_sound_answers_a_question() -> None:
    machine = speaking(rules=LISTENER)
    machine.on_speech_started(4.0)
    machine.on_speech_ended(4.8)
    assert StartReply("mm-hm") in machine.on_transcript("mm-hm", 4.9, over="Shall I book it?")


def test_a_back_channel_that_goes_on_is_an_interruption() -> None:
    machine = speaking(rules=LISTENER)
    machine.on_speech_started(4.0)
    machine.on_interim("mm-hm", 4.3)
    assert CancelReply(barge_in=True) in machine.on_interim("mm-hm but wait", 4.8)


def test_mm_hm_to_a_silent_agent_is_a_turn() -> None:
    machine = listening(rules=LISTENER)
    machine.on_speech_started(1.0)
    machine.on_speech_ended(1.5)
    assert StartReply("mm-hm") in machine.on_transcript("mm-hm", 1.6)


def test_hello_over_the_greeting_does_not_swallow_it() -> None:
    machine = TurnMachine(SETTINGS, replace(LINES, first_message="Good morning."), LISTENER)
    machine.on_start(0.0)
    machine.on_agent_audible(0.1)
    assert HoldReply() in machine.on_speech_started(0.5)
    machine.on_speech_ended(0.9)
    assert ResumeReply() in machine.on_transcript("hello", 1.0)


def test_the_first_message_can_be_interrupted() -> None:
    machine = TurnMachine(SETTINGS, replace(LINES, first_message="Good morning."), LISTENER)
    machine.on_start(0.0)
    machine.on_agent_audible(0.1)
    machine.on_speech_started(0.5)
    assert CancelReply(barge_in=True) in machine.on_interim("who is this", 0.9)


# -- other ways with a voice over the agent


def test_cancel_stops_the_agent_for_good_at_the_first_sound() -> None:
    machine = speaking(over("cancel"))
    assert CancelReply(barge_in=True) in machine.on_speech_started(4.0)
    assert machine.agent is AgentSide.SILENT


def test_confirm_lets_the_agent_speak_on_until_there_are_words() -> None:
    machine = speaking(over("confirm"))
    assert not {HoldReply, CancelReply} & kinds(machine.on_speech_started(4.0))
    assert CancelReply(barge_in=True) in machine.on_interim("stop", 4.5)


def test_off_answers_when_the_agent_has_finished() -> None:
    machine = speaking(over("off"))
    assert not {HoldReply, CancelReply} & kinds(machine.on_speech_started(4.0))
    machine.on_speech_ended(5.0)
    assert CancelReply not in kinds(machine.on_transcript("and a chair", 5.1))
    assert StartReply("and a chair") in machine.on_agent_finished(6.0)


def test_off_lets_the_agent_finish_its_thought_too() -> None:
    machine = thinking(over("off"))
    machine.on_speech_started(2.5)
    machine.on_speech_ended(3.0)
    assert CancelReply not in kinds(machine.on_transcript("and a chair", 3.1))


def test_a_strategy_decides_which_words_take_the_turn() -> None:
    machine = speaking(over("confirm", strategies=(MinWordsStrategy(min_words=3),)))
    machine.on_speech_started(4.0)
    assert CancelReply not in kinds(machine.on_interim("wait a", 4.4))
    assert CancelReply(barge_in=True) in machine.on_interim("wait a moment", 4.6)


def test_words_that_no_strategy_accepts_are_dropped() -> None:
    machine = speaking(over("pause_resume", strategies=(MinWordsStrategy(min_words=3),)))
    machine.on_speech_started(4.0)
    machine.on_speech_ended(4.8)
    actions = machine.on_transcript("wait a", 4.9)
    assert Dismiss("unconfirmed", "wait a") in actions
    assert actions[-1] == ResumeReply()


def test_a_sound_shorter_than_the_threshold_does_not_pause_the_agent() -> None:
    machine = speaking(over("pause_resume", start_s=0.3))
    actions = machine.on_speech_started(4.0)
    assert StartTimer("overlap", 4.3) in actions
    assert HoldReply() not in actions
    assert StopTimer("overlap") in machine.on_speech_ended(4.2)


def test_a_sound_that_lasts_past_the_threshold_pauses_the_agent() -> None:
    machine = speaking(over("pause_resume", start_s=0.3))
    machine.on_speech_started(4.0)
    assert HoldReply() in machine.on_timer("overlap", 4.3)


def test_nobody_interrupts_before_the_first_sound_has_reached_them() -> None:
    machine = speaking()  # audible at 3.0
    actions = machine.on_speech_started(3.05)
    assert StartTimer("overlap", 3.1) in actions
    assert HoldReply() not in actions


def test_speaking_and_thinking_have_settings_of_their_own() -> None:
    patient = BargeInSettings(mode="off")
    machine = thinking(replace(SETTINGS, while_thinking=patient))
    assert machine.on_speech_started(2.5)[-1] == StartTimer("monologue", 62.5)
    machine.on_speech_ended(2.6)
    machine.on_transcript("", 2.7)
    machine.on_agent_audible(3.0)
    assert HoldReply() in machine.on_speech_started(4.0)


# -- a voice before the answer is heard


def test_a_caller_who_goes_on_is_answered_once_and_to_all_they_said() -> None:
    machine = thinking()
    assert HoldReply() in machine.on_speech_started(2.5), "the answer is kept back"
    machine.on_speech_ended(3.5)
    actions = machine.on_transcript("and a chair", 3.6)
    assert CancelReply(barge_in=False) in actions, "nothing of it was heard, so nobody was interrupted"
    assert StartReply("and a chair") in actions


def test_a_cough_before_the_answer_does_not_swallow_it() -> None:
    machine = thinking()
    machine.on_speech_started(2.5)
    machine.on_speech_ended(2.9)
    assert ResumeReply() in machine.on_transcript("", 3.0)


def test_an_answer_that_was_stopped_for_nothing_is_given_after_all() -> None:
    machine = thinking(over("cancel"))
    assert CancelReply(barge_in=False) in machine.on_speech_started(2.5)
    machine.on_speech_ended(2.9)
    assert StartReply("") in machine.on_transcript("", 3.0), "the caller still waits for it"


def test_words_that_come_late_join_the_turn_that_is_being_answered() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.0)
    machine.on_transcript("a table", 2.05, from_finalize=False)
    assert StartReply("a table") in machine.on_timer("transcript", 5.0)
    actions = machine.on_transcript("for two", 5.2, from_finalize=False)
    assert CancelReply(barge_in=False) in actions
    assert StartReply("for two") in actions


def test_a_voice_too_soft_for_the_vad_is_answered_once_its_words_are_final() -> None:
    machine = thinking()
    assert FinalizeTranscript() in machine.on_interim("and", 2.5)
    assert StartReply not in kinds(machine.on_interim("and a chair", 2.7))
    assert StartReply("and a chair") in machine.on_transcript("and a chair", 2.9)


def test_a_strategy_that_fails_does_not_end_the_call() -> None:
    class Broken:
        def evaluate(self, *, transcript: str, is_interim: bool, agent_speaking: bool) -> bool:
            raise RuntimeError("no")

        def reset(self) -> None:
            raise RuntimeError("no")

    machine = speaking(over("confirm", strategies=(Broken(),)))
    machine.on_speech_started(4.0)
    assert CancelReply(barge_in=True) in machine.on_interim("stop", 4.5)


def test_audio_of_a_withdrawn_reply_does_not_make_the_agent_speak() -> None:
    machine = speaking(over("cancel"))
    machine.on_speech_started(4.0)
    machine.on_agent_audible(4.01)
    assert machine.on_agent_finished(4.02) == []
    assert machine.agent is AgentSide.SILENT


def test_words_over_the_end_of_an_answer_are_the_next_turn() -> None:
    machine = speaking(over("confirm"))
    machine.on_speech_started(4.0)
    assert StartReply not in kinds(machine.on_agent_finished(4.2))
    machine.on_speech_ended(5.0)
    assert StartReply("thank you") in machine.on_transcript("thank you", 5.1)


# -- answering in advance

EAGER = replace(SETTINGS, preemptive=True, preemptive_stable_s=0.3)


def test_a_guess_that_does_not_change_is_answered_in_advance() -> None:
    machine = listening(EAGER)
    machine.on_speech_started(1.0)
    assert StartTimer("stable", 1.8) in machine.on_interim("a table for two", 1.5)
    assert machine.on_timer("stable", 1.8) == [StartDraft("a table for two")]


def test_a_pause_is_used_to_answer_in_advance() -> None:
    machine = listening(EAGER)
    machine.on_speech_started(1.0)
    machine.on_interim("a table for two", 1.5)
    assert StartDraft("a table for two") in machine.on_speech_ended(2.0)
    assert StartReply("a table for two") in machine.on_transcript("a table for two", 2.1)


def test_a_caller_who_goes_on_was_answered_in_vain() -> None:
    machine = listening(EAGER)
    machine.on_speech_started(1.0)
    machine.on_interim("pay the bill", 1.5)
    machine.on_speech_ended(2.0)
    assert DropDraft() in machine.on_speech_started(2.2)


def test_nothing_is_answered_in_advance_unless_it_is_asked_for() -> None:
    machine = listening()
    machine.on_speech_started(1.0)
    assert machine.on_interim("a table for two", 1.5) == []
    assert StartDraft not in kinds(machine.on_speech_ended(2.0))


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
