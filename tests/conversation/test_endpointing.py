"""Has the caller finished? Rule by rule."""

from __future__ import annotations

from dataclasses import replace

from getpatter.conversation.actions import (
    CancelReply,
    DropDraft,
    FinalizeTranscript,
    JudgeTurn,
    StartDraft,
    StartReply,
    StartTimer,
    StopTimer,
)
from getpatter.conversation.talk import Rules
from getpatter.testing.turn_machines import SETTINGS, kinds, listening, speaking

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
