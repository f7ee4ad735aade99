"""A caller who waits while a colleague is called, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from getpatter.agent import Agent
from getpatter.errors import CarrierError
from getpatter.llm.base import ToolCall
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.stage import Stage

COLLEAGUE = "+12025550150"
TRANSFER = ToolCall("1", "transfer_call", f'{{"number": "{COLLEAGUE}", "summary": "Wants a table."}}')
WAIT = "One moment more, please."
SORRY = "Nobody could be reached."
BUSY = "The colleague is busy."


class Colleague:
    """Is called, and takes the call or does not when the test says so."""

    def __init__(self) -> None:
        self.called: list[tuple[str, str]] = []
        self._answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __call__(self, number: str, summary: str) -> None:
        self.called.append((number, summary))
        await self._answer

    def takes_it(self) -> None:
        self._answer.set_result(None)

    def is_busy(self) -> None:
        self._answer.set_exception(CarrierError(BUSY))

    def is_let_go(self) -> None:
        """The call is over."""
        if self.called and not self._answer.done():
            self.is_busy()


@pytest.fixture
async def colleague() -> Colleague:
    return Colleague()


@pytest.fixture
async def stage_for(colleague: Colleague) -> AsyncIterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def make(llm: AnsweringLLM, **changes: object) -> Stage:
        agent = Agent(
            system_prompt="",
            llm=llm,
            stt=TellableSTT(["a person, please", "how long will it take", "a table for two"]),
            tts=CountingTTS(),
            transfer_to=(COLLEAGUE,),
            warm_transfers=True,
            transfer_wait_message=WAIT,
            transfer_failed_message=SORRY,
        )
        stages.append(Stage(replace(agent, **changes), transfer=colleague))  # type: ignore[arg-type]  # fields by name
        return stages[-1]

    yield make
    colleague.is_let_go()
    for stage in stages:
        await stage.talk.close()
        stage.pacer.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


StageFor = Callable[..., Stage]


async def asked_for_a_person(stage: Stage) -> None:
    await stage.start()
    await stage.says()
    await stage.passes(2.5)  # the announcement is heard


async def test_the_colleague_is_called_once_the_caller_knows(stage_for: StageFor, colleague: Colleague) -> None:
    stage = stage_for(AnsweringLLM(["I will ask a colleague.", TRANSFER]))
    await asked_for_a_person(stage)
    assert colleague.called == [(COLLEAGUE, "Wants a table.")]
    assert stage.ended is None


async def test_a_caller_who_waits_long_hears_that_it_is_still_being_tried(
    stage_for: StageFor, colleague: Colleague
) -> None:
    stage = stage_for(AnsweringLLM(["I will ask a colleague.", TRANSFER]))
    await asked_for_a_person(stage)
    await stage.passes(60)
    assert stage.ended is None, "nobody hangs up on somebody who was told to wait"
    colleague.takes_it()
    await stage.passes(1)
    heard = stage.turns()[-1][1]
    assert heard.startswith(f"I will ask a colleague. {WAIT} {WAIT}")
    assert heard.count(WAIT) == 5


async def test_a_caller_who_waits_shortly_hears_nothing_more(stage_for: StageFor, colleague: Colleague) -> None:
    stage = stage_for(AnsweringLLM(["I will ask a colleague.", TRANSFER]))
    await asked_for_a_person(stage)
    await stage.passes(5)
    colleague.takes_it()
    await stage.passes(20)
    assert stage.turns()[-1] == ("agent", "I will ask a colleague.")


async def test_when_the_colleague_is_busy_the_model_is_told_and_goes_on(
    stage_for: StageFor, colleague: Colleague
) -> None:
    llm = AnsweringLLM(["I will ask a colleague.", TRANSFER], "They are busy, I am sorry.")
    stage = stage_for(llm)
    await asked_for_a_person(stage)
    colleague.is_busy()
    await stage.passes(4)
    assert BUSY in llm.asked[1][-1].content
    assert stage.turns()[-1] == ("agent", "I will ask a colleague. They are busy, I am sorry.")
    assert SORRY not in str(stage.turns()), "the model says it itself"


async def test_a_caller_who_speaks_meanwhile_is_answered_and_the_colleague_is_called_all_the_same(
    stage_for: StageFor, colleague: Colleague
) -> None:
    llm = AnsweringLLM(["I will ask a colleague.", TRANSFER], "A minute at most.")
    stage = stage_for(llm)
    await asked_for_a_person(stage)
    await stage.says()
    await stage.passes(3)
    assert stage.turns()[-1] == ("agent", "A minute at most.")
    await stage.passes(40)
    assert stage.ended is None
    assert stage.turns().count(("agent", WAIT)) >= 2
    assert "still there" not in str(stage.turns()).lower()
    colleague.takes_it()
    await stage.passes(30)
    assert len(colleague.called) == 1
    assert len(llm.asked) == 2, "nothing follows a transfer"


async def test_a_caller_who_spoke_meanwhile_is_told_that_nobody_comes(
    stage_for: StageFor, colleague: Colleague
) -> None:
    llm = AnsweringLLM(["I will ask a colleague.", TRANSFER], "A minute at most.", "Of course.")
    stage = stage_for(llm)
    await asked_for_a_person(stage)
    await stage.says()
    await stage.passes(3)
    colleague.is_busy()
    await stage.passes(3)
    assert stage.turns()[-1] == ("agent", SORRY)
    await stage.says()
    await stage.passes(2)
    assert any(BUSY in message.content for message in llm.asked[2])


async def test_the_bad_news_waits_for_what_the_agent_is_saying(stage_for: StageFor, colleague: Colleague) -> None:
    llm = AnsweringLLM(["I will ask a colleague.", TRANSFER], "It will take a minute at the very most, I think.")
    stage = stage_for(llm)
    await asked_for_a_person(stage)
    await stage.says()
    await stage.passes(1)
    colleague.is_busy()
    await stage.passes(8)
    assert stage.turns()[-2:] == [("agent", "It will take a minute at the very most, I think."), ("agent", SORRY)]


async def test_once_nobody_is_called_any_more_silence_is_silence_again(
    stage_for: StageFor, colleague: Colleague
) -> None:
    llm = AnsweringLLM(["I will ask a colleague.", TRANSFER], "A minute at most.")
    stage = stage_for(llm)
    await asked_for_a_person(stage)
    await stage.says()
    await stage.passes(3)
    colleague.is_busy()
    await stage.passes(40)
    assert stage.ended is not None
    assert stage.ended[0].reason == "nobody spoke"


async def test_agents_without_warm_transfers_say_nothing_on_the_way(stage_for: StageFor, colleague: Colleague) -> None:
    stage = stage_for(AnsweringLLM(["I will connect you.", TRANSFER]), warm_transfers=False)
    await asked_for_a_person(stage)
    await stage.passes(20)
    colleague.takes_it()
    await stage.passes(1)
    assert stage.turns()[-1] == ("agent", "I will connect you.")
