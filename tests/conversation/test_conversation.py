"""The conversation as a whole, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from getpatter.agent import TurnSettings
from getpatter.conversation.actions import Farewell
from getpatter.events import (
    BargeIn,
    CallEnding,
    FalseInterruption,
    ToolCalled,
    TranscriptInterim,
    Turn,
)
from getpatter.llm.base import Message, ToolCall
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.stage import Stage

END_CALL = ToolCall("1", "end_call", "{}")

StageFor = Callable[..., Stage]


async def test_a_question_is_answered_and_both_are_written_down(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("At what time, please?"))
    await stage.start()
    await stage.says()
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table for two"), ("agent", "At what time, please?")]
    assert len(stage.played) == pytest.approx(4 * 0.4 * 8000, abs=160)


async def test_the_model_is_told_what_was_said(stage_for: StageFor) -> None:
    llm = AnsweringLLM("At what time?", "Very well.")
    stage = stage_for(llm)
    await stage.start()
    await stage.says()
    await stage.passes(3)
    await stage.says()
    assert llm.asked[1] == [
        Message("system", "You book tables."),
        Message("user", "a table for two"),
        Message("assistant", "At what time?"),
        Message("user", "at seven"),
    ]


async def test_the_first_message_is_said_without_asking_the_model(stage_for: StageFor, tts: CountingTTS) -> None:
    llm = AnsweringLLM("Yes.")
    stage = stage_for(llm, first_message="Good morning. This is a test.")
    await stage.start()
    await stage.passes(4)
    assert tts.spoken == ["Good morning.", "This is a test."] or tts.spoken == ["Good morning. This is a test."]
    assert stage.turns() == [("agent", "Good morning. This is a test.")]
    assert llm.asked == []


async def test_an_interruption_clears_the_line_and_keeps_the_words_that_were_heard(stage_for: StageFor) -> None:
    llm = AnsweringLLM("one two three four five six seven eight nine ten", "Go on.")
    stage = stage_for(llm)
    await stage.start()
    await stage.says()
    await stage.passes(2.0)
    await stage.begins_to_speak()
    assert stage.clears == 1, "at the first sound of a voice"
    sent = len(stage.played)
    await stage.stops_speaking()
    turn = next(event for event in stage.events if isinstance(event, Turn) and event.role == "agent")
    assert turn.interrupted
    assert turn.text == "one two three four five"
    assert turn.unheard == "six seven eight nine ten"
    assert stage.happened(BargeIn)
    assert stage.clears == 1, "there is nothing more to be dropped"
    heard = [message for message in llm.asked[1] if message.role == "assistant"]
    assert heard[0].content.startswith("one two three four five")
    assert "six" not in heard[0].content
    assert len(stage.played) > sent, "the interruption is answered"


async def test_a_reply_that_was_not_audible_yet_leaves_no_trace(stage_for: StageFor) -> None:
    llm = AnsweringLLM("", "Now I answer.")
    stage = stage_for(llm)
    await stage.start()
    await stage.says()
    assert stage.turns() == [("caller", "a table for two")]


async def test_interims_are_told_as_they_come(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    stt.opened[0].interim("a table")
    await stage.settle()
    assert [event.text for event in stage.events if isinstance(event, TranscriptInterim)] == ["a table"]


async def test_the_voice_detector_forgets_before_each_turn_of_the_agent(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("At what time?"))
    await stage.start()
    await stage.says()
    assert stage.voices[0].resets == 1


# -- the end


async def test_a_goodbye_is_heard_before_the_hang_up(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM(["Goodbye and thank you.", END_CALL]))
    await stage.start()
    await stage.says()
    assert stage.happened(CallEnding)
    assert stage.ended is None
    await stage.passes(1.0)
    assert stage.ended is None, "the goodbye takes 1.6 s"
    await stage.passes(1.5)
    assert stage.ended == (Farewell("agent", "the agent ended the call"), None)
    assert stage.turns()[-1] == ("agent", "Goodbye and thank you.")
    assert stage.happened(ToolCalled)


async def test_the_last_mark_ends_the_call_sooner_than_the_clock(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM(["Goodbye.", END_CALL]))
    await stage.start()
    await stage.says()
    await stage.passes(0.4)
    stage.talk.mark_played(stage.marks[-1])
    assert stage.ended is not None


async def test_a_tool_that_the_model_made_up_is_answered(stage_for: StageFor) -> None:
    llm = AnsweringLLM([ToolCall("1", "launch", "{}")], "I cannot do that.")
    stage = stage_for(llm)
    await stage.start()
    await stage.says()
    await stage.passes(3)
    assert llm.asked[1][-1].role == "tool"
    assert "no tool named 'launch'" in llm.asked[1][-1].content
    assert stage.turns()[-1] == ("agent", "I cannot do that.")


async def test_nobody_there_is_asked_and_then_left(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("Yes."), turns=TurnSettings(silence_timeout_s=5.0))
    await stage.start()
    await stage.passes(5.1)
    await stage.passes(4)
    assert stage.turns() == [("agent", "Are you still there?")]
    await stage.passes(5)
    await stage.passes(8)
    assert stage.ended is not None
    assert stage.ended[0].ended_by == "limit"


async def test_at_the_time_limit_the_agent_says_goodbye(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("Yes."), turns=TurnSettings(silence_timeout_s=60, max_duration_s=10))
    await stage.start()
    await stage.passes(10.1)
    assert stage.ended is None
    await stage.passes(5)
    assert stage.turns() == [("agent", "I am sorry, our time is up. Goodbye.")]
    assert stage.ended is not None


async def test_a_message_is_left_on_an_answering_machine(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("Yes."), first_message="Hello there.", voicemail_message="Please call me back.")
    await stage.start()
    await stage.passes(0.3)
    stage.talk.machine_detected(greeting_ended=True)
    assert stage.clears == 1
    await stage.passes(4)
    assert stage.turns()[-1] == ("agent", "Please call me back.")
    assert stage.ended is not None


async def test_a_long_message_is_left_whole(stage_for: StageFor) -> None:
    message = " ".join(["word"] * 100)  # forty seconds
    stage = stage_for(AnsweringLLM("Yes."), voicemail_message=message)
    await stage.start()
    stage.talk.machine_detected(greeting_ended=True)
    await stage.passes(45)
    assert stage.turns() == [("agent", message)]
    assert stage.ended is not None


async def test_what_a_caller_said_last_is_written_down(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    await stage.begins_to_speak()
    stt.opened[0].finalize()
    await stage.settle()
    await stage.talk.close()
    assert stage.turns() == [("caller", "a table for two at seven")]


async def test_words_that_were_being_said_when_the_line_went_dead_are_written_down(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    await stage.begins_to_speak()
    await stage.talk.close()
    assert stage.turns() == [("caller", "a table for two")]


async def test_a_final_that_was_on_its_way_when_the_line_went_dead_is_written_down(
    stage_for: StageFor, stt: TellableSTT
) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    await stage.begins_to_speak()
    for _ in range(16):
        stage.clock.advance(0.032)
        stage.voices[0].hear(0.0)  # the final is asked for, and nobody has read it yet
    await stage.talk.close()
    assert stage.turns() == [("caller", "a table for two")]


async def test_words_that_do_not_come_do_not_keep_the_call_open(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    await stage.begins_to_speak()
    stt.opened[0].mute = True
    closing = asyncio.create_task(stage.talk.close())
    await stage.passes(1.1)
    assert closing.done()
    await closing


# -- latency


async def test_each_answer_tells_where_its_time_went(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("At what time?"))
    await stage.start()
    await stage.says()
    await stage.passes(3)
    latency = stage.last_turn().latency
    assert latency.silence_ms == pytest.approx(512, abs=1), "sixteen windows of silence decide"
    assert latency.endpoint_ms == 0
    assert latency.stt_ms == 0
    assert latency.llm_ttft_ms == 0
    assert latency.engine_ms == 0
    assert latency.response_ms == latency.silence_ms


# -- pausing for a voice


TEN = "one two three four five six seven eight nine ten"


async def test_after_a_cough_the_agent_goes_on_at_the_unheard_word(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM(TEN))
    await stage.start()
    stt.tell_next("a table for two", "")
    await stage.says()
    await stage.passes(1.9)
    await stage.begins_to_speak()
    assert stage.clears == 1
    paused_at = len(stage.played)
    await stage.stops_speaking()
    await stage.passes(5)
    assert stage.turns()[-1] == ("agent", TEN), "all of it was heard"
    again = paused_at + len(stage.played[paused_at:]) - 10 * 0.4 * 8000
    assert 0 <= again <= 0.7 * 8000, "the word that was cut, and no more, is said again"
    assert [event.kind for event in stage.events if isinstance(event, FalseInterruption)] == ["noise"]
    assert not stage.happened(BargeIn)


async def test_marks_of_a_paused_sentence_are_placed_anew(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM(TEN))
    await stage.start()
    stt.tell_next("a table for two", "")
    await stage.says()
    await stage.passes(3.9)
    await stage.begins_to_speak()
    assert stage.marks == ["s1"]
    await stage.stops_speaking()
    await stage.passes(0.4)
    stage.talk.mark_played("s1")
    assert len(stage.turns()) == 1, "that mark was dropped with the audio before it"
    await stage.passes(0.4)
    stage.talk.mark_played("s2")
    assert stage.turns()[-1] == ("agent", TEN)


async def test_an_answer_waits_for_a_caller_who_goes_on(
    stage_for: StageFor, stt: TellableSTT, tts: CountingTTS
) -> None:
    llm = AnsweringLLM("At what time?", "Very well.")
    stage = stage_for(llm, turns=TurnSettings(vad_stop_s=0.2))
    tts.delay = asyncio.Event()
    await stage.start()
    stt.tell_next("a table", "for two")
    await stage.says()
    await stage.begins_to_speak()
    tts.delay.set()
    await stage.passes(0.5)
    assert stage.played == b"", "the caller is speaking"
    await stage.stops_speaking()
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table"), ("caller", "for two"), ("agent", "Very well.")]
    assert llm.asked[1][-1] == Message("user", "a table for two")
