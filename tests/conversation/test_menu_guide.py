"""Telephone menus in a whole conversation, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from getpatter.agent import Agent
from getpatter.audio.dtmf import DtmfDetector
from getpatter.events import DtmfPressed, Turn
from getpatter.language.menu import MENU_WAIT_S
from getpatter.llm.base import ToolCall
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.stage import Stage

MENU = "For opening hours, press one. To renew a book, press two."
PRESS = ToolCall("1", "send_dtmf", '{"digits": "2"}')


class Menu(Stage):
    """A menu at the far end of a call that we place."""

    async def reads(self, stt: TellableSTT, *sentences: str, pause_s: float = 0.0) -> None:
        """Each sentence is followed by the pause in which it is understood."""
        for sentence in sentences:
            stt.tell(sentence)
            await self.says()
            await self.passes(pause_s)

    def pressed(self) -> str:
        return DtmfDetector().feed(bytes(self.played))


@pytest.fixture
def stt() -> TellableSTT:
    return TellableSTT()


@pytest.fixture
async def menu_for(stt: TellableSTT) -> AsyncIterator[Callable[..., Menu]]:
    stages: list[Menu] = []

    def make(llm: AnsweringLLM, *, outbound: bool = True, **changes: object) -> Menu:
        agent = Agent(system_prompt="Renew a book.", llm=llm, stt=stt, tts=CountingTTS())
        stages.append(Menu(replace(agent, **changes), outbound=outbound))  # type: ignore[arg-type]  # fields by name
        return stages[-1]

    yield make
    for stage in stages:
        await stage.talk.close()
        stage.pacer.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


MenuFor = Callable[..., Menu]


async def test_a_menu_is_heard_out_across_its_pauses(menu_for: MenuFor, stt: TellableSTT) -> None:
    llm = AnsweringLLM([PRESS], "")
    menu = menu_for(llm)
    await menu.start()
    await menu.reads(stt, "For opening hours, press one.", pause_s=1.0)
    await menu.reads(stt, "To renew a book, press two.", pause_s=1.0)
    assert llm.asked == []
    await menu.passes(MENU_WAIT_S)
    assert menu.turns()[0] == ("caller", MENU)


async def test_the_model_is_told_what_can_be_pressed_beside_the_words_and_not_in_its_instructions(
    menu_for: MenuFor, stt: TellableSTT
) -> None:
    llm = AnsweringLLM([PRESS], "")
    menu = menu_for(llm)
    await menu.start()
    await menu.reads(stt, MENU, pause_s=3)
    system, said = llm.asked[0]
    assert system.content == "Renew a book."
    assert said.role == "user"
    assert said.content.startswith(f"{MENU} [A telephone menu is playing: 1 = opening hours; 2 = renew a book.")
    assert menu.turns()[0] == ("caller", MENU), "the record has what was said and nothing else"


async def test_the_answer_is_a_key(menu_for: MenuFor, stt: TellableSTT) -> None:
    menu = menu_for(AnsweringLLM([PRESS], ""))
    await menu.start()
    await menu.reads(stt, MENU, pause_s=4)
    assert menu.pressed() == "2"
    [key] = [event for event in menu.events if isinstance(event, DtmfPressed)]
    assert (key.role, key.digit) == ("agent", "2")


async def test_a_menu_that_talks_on_does_not_break_off_a_number(menu_for: MenuFor, stt: TellableSTT) -> None:
    menu = menu_for(AnsweringLLM([ToolCall("1", "send_dtmf", '{"digits": "123456789#"}')], ""))
    await menu.start()
    await menu.reads(stt, MENU, pause_s=2.6)
    await menu.begins_to_speak()
    stt.opened[0].interim("thank you")
    await menu.passes(2)
    assert menu.pressed() == "123456789#"
    assert menu.clears == 0
    stt.tell("Thank you. Please hold the line.")
    await menu.stops_speaking()
    await menu.passes(2)
    assert ("caller", "Thank you. Please hold the line.") in menu.turns(), "what was said meanwhile is not lost"


async def test_a_menu_that_goes_in_circles_is_told_to_the_model(menu_for: MenuFor, stt: TellableSTT) -> None:
    llm = AnsweringLLM("")
    menu = menu_for(llm)
    await menu.start()
    for _ in range(3):
        await menu.reads(stt, MENU, pause_s=3)
    assert "come 3 times" not in llm.asked[1][-1].content
    assert "come 3 times" in llm.asked[2][-1].content


@pytest.mark.parametrize(("outbound", "navigates"), [(False, True), (True, False)])
async def test_people_who_call_us_have_no_menus(
    menu_for: MenuFor, stt: TellableSTT, outbound: bool, navigates: bool
) -> None:
    llm = AnsweringLLM("Pardon?")
    menu = menu_for(llm, outbound=outbound, navigates_menus=navigates)
    await menu.start()
    await menu.reads(stt, MENU, pause_s=0.5)
    assert llm.asked[0][-1].content == MENU


async def test_people_are_not_waited_for_longer(menu_for: MenuFor, stt: TellableSTT) -> None:
    menu = menu_for(AnsweringLLM("Good morning."))
    await menu.start()
    await menu.reads(stt, "Good morning, how can I help you?")
    assert [event.text for event in menu.events if isinstance(event, Turn)] == ["Good morning, how can I help you?"]
