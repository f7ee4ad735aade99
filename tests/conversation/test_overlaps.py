"""Voices over the agent, rule by rule."""

from __future__ import annotations

from dataclasses import replace

from getpatter.barge_in import BargeInSettings, MinWordsStrategy
from getpatter.conversation.actions import (
    CancelReply,
    Dismiss,
    FinalizeTranscript,
    HoldReply,
    ResumeReply,
    StartReply,
    StartTimer,
    StopTimer,
)
from getpatter.conversation.agent_part import AgentSide
from getpatter.conversation.talk import Rules
from getpatter.conversation.turns import TurnMachine
from getpatter.testing.turn_machines import LINES, SETTINGS, kinds, listening, over, speaking, thinking

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
