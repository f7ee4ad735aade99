"""Calls that are given to somebody else, and what becomes of those that nobody takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from getpatter.errors import CarrierError
from getpatter.events import CallEnding, ToolCalled, Transferred
from getpatter.llm.base import ToolCall
from getpatter.testing.providers import AnsweringLLM, TellableSTT

if TYPE_CHECKING:
    from tests.e2e.carriers.conftest import CarrierSite, Numbers, OpenSite
    from tests.e2e.conftest import MakeAgent
    from tests.e2e.conftest import Numbers as EverybodysNumbers

SUMMARY = "A caller who wants a table for two."
LONG_SUMMARY = "A caller who wants a table. " * 50
"""It takes longer to say than whoever hangs up at once stays."""


async def transfer(site: CarrierSite, call_id: str, number: str, summary: str = SUMMARY) -> None:
    """Warm, as an assistant asks for it."""
    await site.board.transfer(call_id, number, mode="warm", summary=summary)


async def goes_on(site: CarrierSite, call_id: str) -> None:
    """The caller is still with the agent; then let them go."""
    view = await site.board.get(call_id)
    assert not view.ended, view
    await site.board.hang_up(call_id)
    call = await site.ended(call_id)
    assert call.how == ("answered", "assistant", "")
    assert not call.of(Transferred)


# -- cold -------------------------------------------------------------------------------------------------------


async def test_whoever_is_transferred_talks_to_the_colleague(
    open_site: OpenSite, agent: MakeAgent, numbers: EverybodysNumbers, more: Numbers
) -> None:
    connects = agent(
        llm=AnsweringLLM([ToolCall("1", "transfer_call", f'{{"number": "{more.colleague}"}}')]),
        stt=TellableSTT(["Hello?"]),
        transfer_to=(more.colleague,),
    )
    async with open_site(connects) as site:
        call = await site.ended(await site.place(numbers.talker))
        colleague = await site.line(more.colleague)
        async with asyncio.timeout(60):
            await colleague.ended.wait()  # they hang up once they have heard somebody speak
    assert call.how == ("answered", "agent", "")
    assert call.view.reason == f"transferred to {more.colleague}"
    assert [event.mode for event in call.of(Transferred)] == ["cold"]
    assert colleague.end.by == "party"


async def test_a_transfer_that_is_refused_leaves_the_call_as_it_is(
    open_site: OpenSite, agent: MakeAgent, numbers: EverybodysNumbers, more: Numbers
) -> None:
    llm = AnsweringLLM(
        [ToolCall("1", "transfer_call", f'{{"number": "{more.colleague}"}}')],
        ["Sorry, nobody is there.", ToolCall("2", "end_call", "{}")],
    )
    llm.delay = asyncio.Event()
    tries = agent(
        llm=llm,
        stt=TellableSTT(["Hello?"]),
        transfer_to=(more.colleague,),
    )
    async with open_site(tries, machine_detection=False) as site:
        call_id = await site.place(numbers.patient)
        await site.line_open(call_id)
        site.cloud.fail_next(400, method="POST")
        llm.delay.set()
        call = await site.ended(call_id)
    assert call.how == ("answered", "agent", "")
    assert call.of(ToolCalled)[0].error
    assert not call.of(Transferred)
    assert call.of(CallEnding)


async def test_nobody_is_left_on_the_line_when_nobody_takes_the_transfer(
    open_site: OpenSite, numbers: EverybodysNumbers
) -> None:
    async with open_site() as site:
        call_id = await site.place(numbers.talker)
        await site.line_open(call_id)
        await site.board.transfer(call_id, numbers.nobody)
        call = await site.ended(call_id)
    assert call.view.reason == f"transferred to {numbers.nobody}"


# -- warm -------------------------------------------------------------------------------------------------------


async def test_a_colleague_hears_what_it_is_about_before_the_caller_is_put_through(
    open_site: OpenSite, numbers: EverybodysNumbers, more: Numbers
) -> None:
    async with open_site() as site:
        call_id = await site.place(numbers.talker)
        await site.line_open(call_id)
        await transfer(site, call_id, more.briefed)
        call = await site.ended(call_id)
        colleague = await site.line(more.briefed)
        async with asyncio.timeout(60):
            await colleague.ended.wait()
    [told] = call.of(Transferred)
    assert (told.number, told.mode, told.summary) == (more.briefed, "warm", SUMMARY)
    assert call.how == ("answered", "agent", "")
    assert colleague.announcements[-1] == SUMMARY
    assert colleague.end.by == "party"


@pytest.mark.parametrize(
    ("who", "summary"), [("busy", SUMMARY), ("nobody", SUMMARY), ("unknown", SUMMARY), ("hasty", LONG_SUMMARY)]
)
async def test_the_caller_stays_with_the_agent_when_no_colleague_takes_the_call(
    open_site: OpenSite, numbers: EverybodysNumbers, more: Numbers, who: str, summary: str
) -> None:
    called = {"busy": numbers.busy, "nobody": numbers.nobody, "unknown": numbers.unknown, "hasty": more.hasty}[who]
    async with open_site() as site:
        call_id = await site.place(numbers.talker)
        await site.line_open(call_id)
        with pytest.raises(CarrierError) as refused:
            await transfer(site, call_id, called, summary)
        assert "olleague" in refused.value.message
        await goes_on(site, call_id)


async def test_a_colleague_who_is_being_called_is_let_go_when_the_caller_hangs_up(
    open_site: OpenSite, numbers: EverybodysNumbers
) -> None:
    async with open_site() as site:
        call_id = await site.place(numbers.brief)
        await site.line_open(call_id)
        with pytest.raises(CarrierError):
            await transfer(site, call_id, numbers.far_away)
        call = await site.ended(call_id)
        colleague = await site.line(numbers.far_away)
        async with asyncio.timeout(60):
            await colleague.ended.wait()
    assert call.how == ("answered", "caller", "")
    assert colleague.status == "canceled"
    assert not call.of(Transferred)


async def test_a_colleague_who_cannot_be_called_at_all(open_site: OpenSite, numbers: EverybodysNumbers) -> None:
    async with open_site(machine_detection=False) as site:
        call_id = await site.place(numbers.patient)
        await site.line_open(call_id)
        site.cloud.fail_next(400, method="POST")
        with pytest.raises(CarrierError):
            await transfer(site, call_id, numbers.brief)
        await goes_on(site, call_id)
