"""The conversation as a whole, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from getpatter.agent import Agent, TurnSettings
from getpatter.conversation.actions import Farewell
from getpatter.errors import PartialReply, ProviderError
from getpatter.events import (
    BargeIn,
    CallEnding,
    DraftEnded,
    FalseInterruption,
    HandedOver,
    Problem,
    ToolCalled,
    TranscriptInterim,
    Turn,
)
from getpatter.guardrails import guardrail
from getpatter.hooks import AfterLlm, PipelineHooks
from getpatter.llm.base import Message, ToolCall
from getpatter.stt.base import SpeechHints
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT, ToldRecognition
from getpatter.testing.stage import Stage
from getpatter.tools.tool import tool

END_CALL = ToolCall("1", "end_call", "{}")
SILENT = AnsweringLLM("")
LOST = ProviderError("The provider was lost.", provider="test")


@pytest.fixture
def stt() -> TellableSTT:
    return TellableSTT(["a table for two", "at seven", "thank you"])


@pytest.fixture
def tts() -> CountingTTS:
    return CountingTTS()


@pytest.fixture
async def stage_for(stt: TellableSTT, tts: CountingTTS) -> AsyncIterator[Callable[..., Stage]]:
    """Makes stages, and afterwards sees to it that nothing of them is left running."""
    stages: list[Stage] = []

    def make(llm: AnsweringLLM, **changes: object) -> Stage:
        agent = Agent(system_prompt="You book tables.", llm=llm, stt=stt, tts=tts)
        stages.append(Stage(replace(agent, **changes)))  # type: ignore[arg-type]  # fields by name
        return stages[-1]

    yield make
    for stage in stages:
        await stage.talk.close()
        await stage.talk.close()
        stage.pacer.close()
        assert all(voice.closed for voice in stage.voices)
    assert all(recognition.closed for recognition in stt.opened)
    assert all(voice.closed for voice in tts.opened)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


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


# -- failures


async def test_a_recogniser_that_breaks_is_as_good_as_lost(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    stt.opened[0].fail(RuntimeError("a fault"))
    await stage.passes(8)
    assert stage.ended is not None
    assert stage.ended[1] is not None


async def test_a_voice_that_says_nothing_is_not_waited_for(stage_for: StageFor, tts: CountingTTS) -> None:
    tts.stalls = True
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    await stage.says()
    await stage.passes(9)
    assert stage.ended is None
    await stage.passes(2)
    assert stage.ended is not None
    assert isinstance(stage.ended[1], ProviderError)


async def test_a_lost_recogniser_is_apologised_for_and_named(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    stt.opened[0].fail(LOST)
    await stage.passes(8)
    assert stage.turns()[-1][1].startswith("I am sorry, I have a technical problem")
    assert stage.ended is not None
    assert stage.ended[1] is LOST
    assert stage.happened(Problem)


async def test_a_recogniser_whose_connection_broke_is_connected_again(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    stt.opened[0].fail(ProviderError("The connection broke.", provider="told", retryable=True))
    await stage.passes(1)
    stt.tell_next("Are you there?")
    await stage.says()
    await stage.passes(1)
    assert len(stt.opened) == 2
    assert stage.turns()[-2:] == [("caller", "Are you there?"), ("agent", "Yes.")]
    assert stage.happened(Problem)
    assert stage.ended is None


async def test_a_lost_voice_ends_the_call_at_once(stage_for: StageFor, tts: CountingTTS) -> None:
    tts.fails = LOST
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    await stage.says()
    assert stage.ended is not None
    assert stage.ended[1] is LOST


async def test_a_lost_language_model_is_apologised_for(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM(["One moment.", LOST]))
    await stage.start()
    await stage.says()
    await stage.passes(10)
    assert stage.turns()[-1][1].startswith("I am sorry, I have a technical problem")
    assert stage.ended is not None
    assert stage.ended[1] is LOST


async def test_a_recogniser_that_refuses_is_told_before_the_call(stt: TellableSTT, tts: CountingTTS) -> None:
    agent = Agent(system_prompt="", llm=AnsweringLLM("Yes."), stt=TellableSTT(refuses=LOST), tts=tts)
    stage = Stage(agent)
    with pytest.raises(ProviderError):
        await stage.talk.prepare()
    await stage.talk.close()


class NoDetector:
    """Cannot be loaded."""

    name = "none"
    threshold = 0.5

    async def prepare(self) -> None:
        raise LOST

    async def judge(self, audio: bytes, *, call_id: str = "") -> float:
        raise AssertionError("it was never prepared")

    async def close(self) -> None:
        pass


class WaitingSTT(TellableSTT):
    """Opens when it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def open(self, hints: SpeechHints) -> ToldRecognition:
        await self.go.wait()
        return await super().open(hints)


async def test_what_was_opening_is_not_opened_any_more_once_a_part_has_failed(tts: CountingTTS) -> None:
    stt = WaitingSTT()
    stage = Stage(Agent(system_prompt="", llm=SILENT, stt=stt, tts=tts, turn_detector=NoDetector()))
    with pytest.raises(ProviderError) as failed:
        await stage.talk.prepare()
    assert failed.value is LOST
    await stage.talk.close()
    stt.go.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert stt.opened == []
    assert all(voice.closed for voice in tts.opened)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_closing_in_mid_sentence_leaves_nothing_running(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("one two three four five six seven eight nine ten"))
    await stage.start()
    await stage.says()
    await stage.passes(1)
    await stage.talk.close()
    sent = len(stage.played)
    await stage.passes(1)
    assert len(stage.played) == sent
    assert stage.turns()[-1] == ("agent", "one two")


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


# -- answering in advance


async def test_an_answer_made_in_advance_is_heard_when_the_words_fit(stage_for: StageFor, stt: TellableSTT) -> None:
    llm = AnsweringLLM("At what time?")
    stage = stage_for(llm, turns=TurnSettings(preemptive=True, stt_timeout_s=60))
    stt.tell_next("A table, for two.")
    await stage.start()
    await stage.begins_to_speak()
    stt.opened[0].interim("a table for two")
    await stage.passes(0.4)
    assert len(llm.asked) == 1
    assert stage.played == b""
    await stage.stops_speaking()
    assert stage.played, "at once"
    await stage.passes(3)
    assert len(llm.asked) == 1
    assert stage.turns() == [("caller", "A table, for two."), ("agent", "At what time?")]
    assert stage.last_turn().latency.llm_ttft_ms == 0
    assert [event.used for event in stage.events if isinstance(event, DraftEnded)] == [True]


async def test_an_answer_to_words_that_changed_is_never_heard(stage_for: StageFor, stt: TellableSTT) -> None:
    llm = AnsweringLLM("I shall pay.", "I shall not pay.")
    stage = stage_for(llm, turns=TurnSettings(preemptive=True))
    stt.tell_next("Pay the bill. Actually no, do not pay.")
    await stage.start()
    await stage.begins_to_speak()
    stt.opened[0].interim("Pay the bill.")
    await stage.passes(0.4)
    await stage.stops_speaking()
    await stage.passes(3)
    assert stage.turns()[-1] == ("agent", "I shall not pay.")
    assert [event.used for event in stage.events if isinstance(event, DraftEnded)] == [False]


async def test_tools_wait_until_the_caller_has_finished(stage_for: StageFor, stt: TellableSTT) -> None:
    paid: list[str] = []

    async def pay(what: str) -> str:
        """Pay something."""
        paid.append(what)
        return "paid"

    llm = AnsweringLLM([ToolCall("1", "pay", '{"what": "bill"}')], "Something else then.")
    stage = stage_for(llm, turns=TurnSettings(preemptive=True), tools=(tool(pay),))
    stt.tell_next("Pay the bill. Actually no, do not pay.")
    await stage.start()
    await stage.begins_to_speak()
    stt.opened[0].interim("Pay the bill.")
    await stage.passes(0.4)
    assert len(llm.asked) == 1
    await stage.stops_speaking()
    await stage.passes(3)
    assert paid == []


# -- tools


async def test_a_slow_tool_is_announced_and_its_result_told(stage_for: StageFor, tts: CountingTTS) -> None:
    done = asyncio.Event()

    async def look_up() -> str:
        await done.wait()
        return "Table nine."

    slow = tool(handler=look_up, name="look_up", reassurance="Let me see.")
    llm = AnsweringLLM([ToolCall("1", "look_up", "{}")], "You have table nine.")
    stage = stage_for(llm, tools=(slow,))
    await stage.start()
    await stage.says()
    await stage.passes(1.6)
    assert tts.spoken == ["Let me see."]
    await stage.passes(1)
    done.set()
    await stage.settle()
    await stage.passes(3)
    assert stage.turns()[-1] == ("agent", "Let me see. You have table nine.")
    assert llm.asked[1][-1] == Message("tool", "Table nine.", tool_call_id="1")


async def test_a_tool_with_side_effects_outlives_its_reply_and_runs_once(stage_for: StageFor, stt: TellableSTT) -> None:
    done, runs = asyncio.Event(), 0

    async def book() -> str:
        nonlocal runs
        runs += 1
        await done.wait()
        return "booked"

    llm = AnsweringLLM(["One moment please I will book it now.", ToolCall("1", "book", "{}")], "It is booked.")
    stage = stage_for(llm, tools=(tool(handler=book, name="book"),))
    await stage.start()
    stt.tell_next("a table", "wait please")
    await stage.says()
    await stage.passes(1)
    await stage.says()
    assert "There is no result yet." in [message.content for message in llm.asked[1]]
    done.set()
    await stage.settle()
    assert runs == 1
    assert [event.result for event in stage.events if isinstance(event, ToolCalled)] == ["booked"]


async def test_an_answer_that_takes_long_is_preceded_by_a_filler(stage_for: StageFor, tts: CountingTTS) -> None:
    llm = AnsweringLLM("Here it is.")
    llm.delay = asyncio.Event()
    stage = stage_for(llm, filler_message="One moment, please.")
    await stage.start()
    await stage.says()
    await stage.passes(3.9)
    assert tts.spoken == []
    await stage.passes(0.2)
    assert tts.spoken == ["One moment, please."]
    llm.delay.set()
    await stage.passes(4)
    assert stage.turns()[-1] == ("agent", "One moment, please. Here it is.")


# -- the agent's words


async def test_what_must_not_be_said_is_not_said(stage_for: StageFor) -> None:
    rail = guardrail("names", blocked_terms=["Voldemort"], replacement="I cannot say that.")
    stage = stage_for(AnsweringLLM("It was Lord **Volde**mort himself. He is here."), guardrails=(rail,))
    await stage.start()
    await stage.says()
    await stage.passes(5)
    assert stage.turns()[-1] == ("agent", "I cannot say that. He is here.")


async def test_hooks_stand_between_the_stages_in_order(stage_for: StageFor) -> None:
    seen: list[str] = []

    def note(stage: str) -> Callable[..., Any]:
        def hook(value: Any, *_: object) -> Any:
            seen.append(stage)
            return value

        return hook

    hooks = PipelineHooks(
        before_send_to_stt=note("before_send_to_stt"),
        after_transcribe=note("after_transcribe"),
        before_llm=note("before_llm"),
        after_llm=AfterLlm(on_chunk=note("on_chunk"), on_sentence=note("on_sentence")),
        before_synthesize=note("before_synthesize"),
        after_synthesize=note("after_synthesize"),
    )
    stage = stage_for(AnsweringLLM("Yes."), hooks=hooks)
    await stage.start()
    stage.talk.hear(bytes(160))
    await stage.settle()
    await stage.says()
    await stage.passes(2)
    assert list(dict.fromkeys(seen)) == [
        "before_send_to_stt",
        "after_transcribe",
        "before_llm",
        "on_chunk",
        "on_sentence",
        "before_synthesize",
        "after_synthesize",
    ]


async def test_a_hook_may_change_what_the_caller_said(stage_for: StageFor) -> None:
    llm = AnsweringLLM("Yes.")
    hooks = PipelineHooks(after_transcribe=lambda text, context: text.replace("two", "three"))
    stage = stage_for(llm, hooks=hooks)
    await stage.start()
    await stage.says()
    await stage.passes(2)
    assert stage.turns()[0] == ("caller", "a table for three")
    assert llm.asked[0][-1] == Message("user", "a table for three")


async def test_a_turn_that_a_hook_drops_is_not_answered(stage_for: StageFor) -> None:
    llm = AnsweringLLM("Yes.")
    stage = stage_for(llm, hooks=PipelineHooks(after_transcribe=lambda text, context: None))
    await stage.start()
    await stage.says()
    await stage.passes(2)
    assert stage.turns() == []
    assert llm.asked == []
    await stage.passes(14)
    assert stage.turns() == [("agent", "Are you still there?")], "the agent listens again"


async def test_what_is_said_just_before_the_end_passes_the_hook_too(stage_for: StageFor) -> None:
    hooks = PipelineHooks(after_transcribe=lambda text, context: text.replace("two", "[number]"))
    stage = stage_for(AnsweringLLM("Yes."), hooks=hooks)
    await stage.start()
    await stage.begins_to_speak()
    await stage.talk.close()
    assert stage.turns() == [("caller", "a table for [number]")]


async def test_the_prompt_and_the_greeting_name_the_callers_variables(stage_for: StageFor) -> None:
    llm = AnsweringLLM("Yes.")
    stage = stage_for(
        llm, system_prompt="You serve {name}.", first_message="Hello {name}!", variables={"name": "Ms Miller"}
    )
    await stage.start()
    await stage.passes(2)
    await stage.says()
    assert stage.turns()[0] == ("agent", "Hello Ms Miller!")
    assert llm.asked[0][0] == Message("system", "You serve Ms Miller.")


async def test_another_agent_takes_over_with_its_own_prompt_and_tools(stage_for: StageFor) -> None:
    sales = Agent(
        system_prompt="You sell.",
        name="sales",
        llm=AnsweringLLM(""),
        stt=TellableSTT(),
        tts=CountingTTS(),
        use_keys=False,
    )
    llm = AnsweringLLM([ToolCall("1", "handoff_to", '{"name": "sales"}')], "Sales here.")
    stage = stage_for(llm, handoffs=(sales,))
    await stage.start()
    await stage.says()
    await stage.passes(2)
    assert llm.asked[1][0] == Message("system", "You sell.")
    assert [spec.name for spec in llm.offered[1]] == ["end_call"]
    assert stage.happened(HandedOver)


async def test_a_conversation_may_be_handed_on_and_on(stage_for: StageFor) -> None:
    billing = Agent(system_prompt="You bill.", name="billing", llm=SILENT, stt=TellableSTT(), tts=CountingTTS())
    sales = replace(billing, system_prompt="You sell.", name="sales", handoffs=(billing,))
    llm = AnsweringLLM(
        ToolCall("1", "handoff_to", '{"name": "sales"}'),
        ToolCall("2", "handoff_to", '{"name": "billing"}'),
        "Billing here.",
    )
    stage = stage_for(llm, handoffs=(sales,))
    await stage.start()
    await stage.says()
    await stage.passes(3)
    assert [event.agent for event in stage.events if isinstance(event, HandedOver)] == ["sales", "billing"]
    assert llm.asked[2][0] == Message("system", "You bill.")


# -- a speaker-phone


async def test_the_agents_own_words_come_back_do_not_stop_it(stage_for: StageFor, stt: TellableSTT) -> None:
    answer = "Your table is ready for two people at seven tonight."
    stage = stage_for(AnsweringLLM(answer))
    await stage.start()
    stt.tell_next("a table", "ready for two")
    await stage.says()
    await stage.passes(2.4)
    await stage.says()
    await stage.passes(5)
    assert stage.turns()[1:] == [("agent", answer)]
    assert [event.kind for event in stage.events if isinstance(event, FalseInterruption)] == ["echo"]


# -- keys


async def test_keys_that_were_asked_for_go_to_the_tool(stage_for: StageFor) -> None:
    collect = ToolCall("1", "collect_digits", '{"max_digits": 4}')
    llm = AnsweringLLM(["Your code, please.", collect], "Thank you.")
    stage = stage_for(llm)
    await stage.start()
    await stage.says()
    await stage.passes(2)
    for digit in "1234":
        stage.talk.press(digit)
    await stage.passes(2)
    assert '"digits":"1234"' in llm.asked[1][-1].content.replace(" ", "")
    assert stage.turns()[-1] == ("agent", "Your code, please. Thank you.")


async def test_a_finishing_key_after_the_last_of_all_keys_is_no_turn(stage_for: StageFor) -> None:
    collect = ToolCall("1", "collect_digits", '{"max_digits": 4}')
    llm = AnsweringLLM(["Your code, please.", collect], "Thank you, I have found your order.", "Yes.")
    stage = stage_for(llm)
    await stage.start()
    await stage.says()
    await stage.passes(2)
    for digit in "1234#":
        stage.talk.press(digit)
        await stage.passes(0.3)
    await stage.passes(5)
    assert stage.turns()[-1] == ("agent", "Your code, please. Thank you, I have found your order.")
    stage.talk.press("#")
    await stage.passes(5)
    assert llm.asked[-1][-1] == Message("user", "[pressed #]")


async def test_keys_that_nobody_asked_for_are_a_turn(stage_for: StageFor) -> None:
    llm = AnsweringLLM("Yes.")
    stage = stage_for(llm)
    await stage.start()
    stage.talk.press("4")
    stage.talk.press("2")
    await stage.passes(1.6)
    assert llm.asked[0][-1] == Message("user", "[pressed 4 2]")


# -- a model that breaks off


async def test_a_sentence_that_the_model_broke_off_in_does_not_end_the_call(stage_for: StageFor) -> None:
    lost = PartialReply("The model broke off.", provider="test", said="Your table")
    llm = AnsweringLLM(["Your table is booked.", lost], "I said, at seven.")
    stage = stage_for(llm)
    await stage.start()
    await stage.says()
    await stage.passes(3)
    assert stage.happened(Problem)
    assert stage.ended is None
    await stage.says()
    await stage.passes(3)
    assert stage.turns()[-1] == ("agent", "I said, at seven.")


async def test_a_yes_just_before_the_question_has_ended_answers_it(stage_for: StageFor, stt: TellableSTT) -> None:
    llm = AnsweringLLM("Shall I book it for two?", "Booked.")
    stage = stage_for(llm)
    await stage.start()
    stt.tell_next("a table", "yes")
    await stage.says()
    await stage.passes(1.9)
    await stage.says()
    await stage.passes(2)
    assert ("caller", "yes") in stage.turns()
    assert stage.turns()[-1] == ("agent", "Booked.")
