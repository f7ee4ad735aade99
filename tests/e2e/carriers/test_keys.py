"""Keys in both directions, however a carrier carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from getpatter.events import DtmfPressed, ToolCalled
from getpatter.llm.base import ToolCall
from getpatter.testing.providers import AnsweringLLM, TellableSTT

if TYPE_CHECKING:
    from tests.e2e.carriers.conftest import Numbers, OpenSite
    from tests.e2e.conftest import MakeAgent


async def test_keys_of_the_other_side_are_collected_and_stored(
    open_site: OpenSite, agent: MakeAgent, more: Numbers
) -> None:
    asks = agent(
        llm=AnsweringLLM([ToolCall("1", "collect_digits", "{}")], ["Thanks.", ToolCall("9", "end_call", "{}")]),
        stt=TellableSTT(["Hello?"]),
    )
    async with open_site(asks) as site:
        call = await site.ended(await site.place(more.keypad))
    assert call.how == ("answered", "agent", "")
    assert [(key.role, key.digit) for key in call.of(DtmfPressed)] == [("caller", digit) for digit in "1234#"]
    assert '"1234"' in call.of(ToolCalled)[0].result


async def test_keys_of_the_agent_and_of_the_switchboard_are_heard(
    open_site: OpenSite, agent: MakeAgent, more: Numbers
) -> None:
    presses = agent(
        llm=AnsweringLLM([ToolCall("1", "send_dtmf", '{"digits": "1w2"}')], "Thanks."), stt=TellableSTT(["Hello?"])
    )
    async with open_site(presses) as site:
        call_id = await site.place(more.menu)
        await site.happened(call_id, DtmfPressed, lambda key: key.digit == "2")
        await site.board.send_dtmf(call_id, "3#")
        call = await site.ended(call_id)
        line = await site.line(more.menu)
    assert call.how == ("answered", "caller", "")  # who has heard them hangs up
    assert [(key.role, key.digit) for key in call.of(DtmfPressed)] == [("agent", digit) for digit in "123#"]
    assert line.far_end is not None
    assert line.far_end.keys_heard == "123#"
