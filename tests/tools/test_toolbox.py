from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from getpatter.errors import ConfigurationError
from getpatter.llm.base import ToolCall
from getpatter.testing.clock import ManualClock
from getpatter.tools.context import Progress, ToolContext
from getpatter.tools.run import ToolOutcome, ToolRunner
from getpatter.tools.tool import Tool, tool
from getpatter.tools.toolbox import CLOSE_S, Toolbox


class Bench:
    """A toolbox with one tool that works until it is told to finish."""

    def __init__(self, clock: ManualClock, context: ToolContext, *, side_effects: bool = True) -> None:
        self.began = asyncio.Event()
        self.finish = asyncio.Event()
        self.stopped = False
        self.times = 0
        self.late: list[tuple[ToolCall, ToolOutcome]] = []
        self.said: list[str] = []
        self.call = ToolCall("t1", "pay", '{"amount": 5}')
        self.toolbox = Toolbox(
            [tool(name="pay", handler=self.pay, side_effects=side_effects, timeout_s=60)],
            runner=ToolRunner(clock),
            context=context,
            clock=clock,
            on_late_result=lambda call, outcome: self.late.append((call, outcome)),
        )

    async def pay(self, amount: int) -> AsyncGenerator[object]:
        self.times += 1
        self.began.set()
        try:
            await self.finish.wait()
        except asyncio.CancelledError:
            self.stopped = True
            raise
        yield Progress("Paid, I think.")
        yield f"paid {amount}"

    async def interrupted(self) -> None:
        """The reply that asked for the tool is cancelled while the tool works."""
        reply = asyncio.create_task(self.toolbox.run(self.call, on_progress=self.said.append))
        await self.began.wait()
        reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reply


async def test_a_tool_is_run_by_its_name(clock: ManualClock, context: ToolContext) -> None:
    bench = Bench(clock, context)
    bench.finish.set()
    outcome = await bench.toolbox.run(bench.call, on_progress=bench.said.append)
    assert (outcome.result, bench.said, bench.late) == ("paid 5", ["Paid, I think."], [])


async def test_a_name_that_the_model_made_up_is_answered(clock: ManualClock, context: ToolContext) -> None:
    outcome = await Bench(clock, context).toolbox.run(ToolCall("t1", "fly", "{}"))
    assert json.loads(outcome.result) == {"error": "There is no tool named 'fly'. Tools: pay."}


async def test_an_interrupted_reply_does_not_stop_a_tool_that_changes_something(
    clock: ManualClock, context: ToolContext
) -> None:
    bench = Bench(clock, context)
    async with asyncio.timeout(60):
        await bench.interrupted()
        assert not bench.stopped
        bench.finish.set()
        await bench.toolbox.close()
    assert [(call, outcome.result) for call, outcome in bench.late] == [(bench.call, "paid 5")]
    assert bench.said == []
    assert bench.times == 1


async def test_an_interrupted_reply_stops_a_tool_that_only_looks(clock: ManualClock, context: ToolContext) -> None:
    bench = Bench(clock, context, side_effects=False)
    async with asyncio.timeout(60):
        await bench.interrupted()
        await bench.toolbox.close()
    assert bench.stopped
    assert bench.late == []


async def test_an_interruption_does_not_wait_for_a_tool_that_is_slow_to_stop(
    clock: ManualClock, context: ToolContext
) -> None:
    began, stopping, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @tool(side_effects=False)
    async def look() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopping.set()
            await stop.wait()

    toolbox = Toolbox([look], runner=ToolRunner(clock), context=context, clock=clock)
    async with asyncio.timeout(60):
        reply = asyncio.create_task(toolbox.run(ToolCall("t1", "look", "{}")))
        await began.wait()
        reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reply
        await stopping.wait()
        stop.set()
        await toolbox.close()


async def test_a_result_that_comes_with_the_interruption_is_not_lost(clock: ManualClock, context: ToolContext) -> None:
    bench = Bench(clock, context)
    async with asyncio.timeout(60):
        reply = asyncio.create_task(bench.toolbox.run(bench.call))
        await bench.began.wait()
        bench.finish.set()
        reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reply
        await bench.toolbox.close()
    assert [outcome.result for _, outcome in bench.late] == ["paid 5"]


async def test_the_end_of_the_call_waits_for_what_is_under_way_but_not_for_ever(
    clock: ManualClock, context: ToolContext
) -> None:
    bench = Bench(clock, context)
    async with asyncio.timeout(60):
        await bench.interrupted()
        closing = asyncio.create_task(bench.toolbox.close())
        await asyncio.sleep(0)
        assert not closing.done()
        clock.advance(CLOSE_S)
        await closing
    assert bench.stopped
    assert bench.late == []


async def test_closing_an_idle_toolbox_waits_for_nothing(clock: ManualClock, context: ToolContext) -> None:
    await Bench(clock, context).toolbox.close()
    assert clock.next_timer is None


def named(*names: str) -> list[Tool]:
    async def handler() -> None: ...

    return [Tool(name=name, handler=handler) for name in names]


def test_two_tools_of_one_name_are_refused(clock: ManualClock, context: ToolContext) -> None:
    with pytest.raises(ConfigurationError, match="Two tools are called 'a'"):
        Toolbox(named("a", "a"), runner=ToolRunner(clock), context=context, clock=clock)
    toolbox = Toolbox(named("a"), runner=ToolRunner(clock), context=context, clock=clock)
    with pytest.raises(ConfigurationError, match="Two tools are called 'a'"):
        toolbox.add(named("b", "a"))
    assert toolbox.names == ["a"]


def test_tools_may_come_later(clock: ManualClock, context: ToolContext) -> None:
    toolbox = Toolbox(named("b"), runner=ToolRunner(clock), context=context, clock=clock)
    toolbox.add(named("a"))
    assert [spec.name for spec in toolbox.specs] == ["b", "a"]
    assert toolbox.find("a") is not None
    assert toolbox.find("c") is None
