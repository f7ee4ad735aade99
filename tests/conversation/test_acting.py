"""What the agent does with the call it talks in, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from getpatter.agent import Agent
from getpatter.audio.dtmf import DtmfDetector
from getpatter.errors import CarrierError, ToolError
from getpatter.events import ToolCalled
from getpatter.llm.base import ToolCall
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.stage import Stage

COLLEAGUE = "+12025550150"
TRANSFER = ToolCall("1", "transfer_call", f'{{"number": "{COLLEAGUE}", "summary": "Wants a table."}}')


class Operator:
    """Transfers calls, or refuses to."""

    def __init__(self) -> None:
        self.transferred: list[tuple[str, str]] = []
        self.refuses = False

    async def __call__(self, number: str, summary: str) -> None:
        if self.refuses:
            raise CarrierError("Nobody has this number.")
        self.transferred.append((number, summary))


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
async def stage_for(operator: Operator) -> AsyncIterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def make(llm: AnsweringLLM, **changes: object) -> Stage:
        stt = TellableSTT(["a person, please", "no, something else first"])
        agent = Agent(system_prompt="", llm=llm, stt=stt, tts=CountingTTS(), transfer_to=(COLLEAGUE,))
        stages.append(Stage(replace(agent, **changes), transfer=operator))  # type: ignore[arg-type]  # fields by name
        return stages[-1]

    yield make
    for stage in stages:
        await stage.talk.close()
        stage.pacer.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


StageFor = Callable[..., Stage]


async def test_the_announcement_of_a_transfer_is_heard_before_it(stage_for: StageFor, operator: Operator) -> None:
    stage = stage_for(AnsweringLLM(["I will connect you now.", TRANSFER]))
    await stage.start()
    await stage.says()
    await stage.passes(1.8)
    assert operator.transferred == [], "the announcement takes 2 s"
    await stage.passes(0.4)
    assert operator.transferred == [(COLLEAGUE, "Wants a table.")]


async def test_what_was_said_before_a_transfer_was_not_interrupted(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM(["I will connect you now.", TRANSFER]))
    await stage.start()
    await stage.says()
    await stage.passes(2.5)
    await stage.talk.close()
    assert stage.turns()[-1] == ("agent", "I will connect you now.")
    assert not stage.last_turn().interrupted
    assert [event.error for event in stage.events if isinstance(event, ToolCalled)] == [""]


async def test_nothing_follows_a_transfer(stage_for: StageFor, operator: Operator) -> None:
    other = ToolCall("2", "end_call", "{}")
    llm = AnsweringLLM([TRANSFER, other], "I am still here.")
    stage = stage_for(llm)
    await stage.start()
    await stage.says()
    await stage.passes(2)
    assert operator.transferred
    assert len(llm.asked) == 1
    assert [event.name for event in stage.events if isinstance(event, ToolCalled)] == ["transfer_call"]


async def test_a_transfer_that_the_carrier_refuses_is_told_to_the_model(
    stage_for: StageFor, operator: Operator
) -> None:
    operator.refuses = True
    llm = AnsweringLLM(["I will connect you now.", TRANSFER], "Nobody is there, I am sorry.")
    stage = stage_for(llm)
    await stage.start()
    await stage.says()
    await stage.passes(6)
    assert stage.turns()[-1] == ("agent", "I will connect you now. Nobody is there, I am sorry.")
    assert "Nobody has this number." in llm.asked[1][-1].content
    assert stage.ended is None, "the caller is still in the conversation"


async def test_a_transfer_is_not_done_to_somebody_who_speaks_before_it(stage_for: StageFor, operator: Operator) -> None:
    stage = stage_for(AnsweringLLM(["I will connect you now.", TRANSFER], "Yes?"))
    await stage.start()
    await stage.says()
    await stage.passes(1.0)
    await stage.says()
    await stage.passes(3)
    assert operator.transferred == []


async def test_an_agent_without_numbers_cannot_transfer(stage_for: StageFor, operator: Operator) -> None:
    stage = stage_for(AnsweringLLM([TRANSFER], "I cannot."), transfer_to=())
    await stage.start()
    await stage.says()
    await stage.passes(2)
    assert operator.transferred == []


async def test_keys_are_heard_as_tones(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM([ToolCall("1", "send_dtmf", '{"digits": "12#"}')], ""))
    await stage.start()
    await stage.says()
    await stage.passes(2)
    assert DtmfDetector().feed(bytes(stage.played)) == "12#"


async def test_keys_from_above_follow_what_is_being_said(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("I will press it."))
    await stage.start()
    await stage.says()
    pressing = asyncio.create_task(stage.talk.send_dtmf("12#"))
    await stage.passes(0.5)
    assert DtmfDetector().feed(bytes(stage.played)) == "", "the agent speaks"
    await stage.passes(6)
    assert pressing.done()
    assert DtmfDetector().feed(bytes(stage.played)) == "12#"


async def test_keys_from_above_are_not_pressed_when_the_caller_speaks_first(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("I will press it now, one moment please."))
    await stage.start()
    await stage.says()
    pressing = asyncio.create_task(stage.talk.send_dtmf("12#"))
    await stage.passes(0.5)
    await stage.says()
    await stage.passes(6)
    assert isinstance(pressing.exception(), ToolError)
    assert DtmfDetector().feed(bytes(stage.played)) == ""
