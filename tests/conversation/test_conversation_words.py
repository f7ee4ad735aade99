"""The agent's words and what it does beside them, in whole conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from getpatter.agent import Agent, TurnSettings
from getpatter.events import (
    DraftEnded,
    FalseInterruption,
    HandedOver,
    ToolCalled,
)
from getpatter.guardrails import guardrail
from getpatter.hooks import AfterLlm, PipelineHooks
from getpatter.llm.base import Message, ToolCall
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.stage import Stage
from getpatter.tools.tool import tool

SILENT = AnsweringLLM("")

StageFor = Callable[..., Stage]


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
