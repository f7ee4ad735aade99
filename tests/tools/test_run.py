from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from getpatter.errors import CarrierError, ToolError
from getpatter.llm.base import ToolCall
from getpatter.testing.clock import ManualClock
from getpatter.tools.context import Progress, ToolContext
from getpatter.tools.run import MAX_RESULT, ToolOutcome, ToolRunner, capped
from getpatter.tools.tool import Reassurance, Tool, tool

SECRET = "4929 1234 5678 9012"


class Work:
    """A handler that waits to be told how it ends."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.finish = asyncio.Event()
        self.times = 0
        self.stopped = False

    async def __call__(self) -> str:
        self.times += 1
        self.began.set()
        try:
            await self.finish.wait()
        except asyncio.CancelledError:
            self.stopped = True
            raise
        return "worked"


def call(given: Tool, **arguments: Any) -> ToolCall:
    return ToolCall("t1", given.name, json.dumps(arguments))


async def outcome(clock: ManualClock, context: ToolContext, given: Tool, **arguments: Any) -> ToolOutcome:
    async with asyncio.timeout(60):
        return await ToolRunner(clock).run(given, call(given, **arguments), context)


async def test_a_result_is_text_as_it_is(clock: ManualClock, context: ToolContext) -> None:
    @tool
    async def f() -> str:
        return "Ninety metres."

    assert await outcome(clock, context, f) == ToolOutcome("Ninety metres.")


@pytest.mark.parametrize(
    ("value", "text"),
    [({"a": [1, "é"]}, '{"a":[1,"é"]}'), ([], "[]"), (None, "Done."), (True, "true")],
)
async def test_other_results_are_json(
    clock: ManualClock, context: ToolContext, value: object, text: str | None
) -> None:
    @tool
    async def f() -> object:
        return value

    assert (await outcome(clock, context, f)).result == text


async def test_arguments_are_checked_before_the_handler_runs(clock: ManualClock, context: ToolContext) -> None:
    ran = []

    @tool
    async def f(a: int) -> None:
        ran.append(a)

    told = await outcome(clock, context, f, a="many")
    assert json.loads(told.result) == {"error": told.error}
    assert "a: Input should be a valid integer" in told.error
    assert not ran


async def test_a_handler_tells_the_model_why_it_cannot(clock: ManualClock, context: ToolContext) -> None:
    @tool
    async def f() -> None:
        raise ToolError("No table is free.", status="rejected", next_step="Offer another day.")

    assert json.loads((await outcome(clock, context, f)).result) == {
        "error": "No table is free.",
        "status": "rejected",
        "next_step": "Offer another day.",
    }


async def test_our_own_errors_are_told_in_their_words(clock: ManualClock, context: ToolContext) -> None:
    @tool
    async def f() -> None:
        raise CarrierError("The carrier cannot transfer this call.")

    assert (await outcome(clock, context, f)).error == "The carrier cannot transfer this call."


@pytest.mark.parametrize(
    "error", [ValueError(SECRET), KeyError(SECRET), TimeoutError(SECRET), asyncio.CancelledError()]
)
async def test_what_a_handler_raises_reaches_neither_the_call_nor_the_model_nor_the_log(
    clock: ManualClock, context: ToolContext, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    times = 0

    @tool
    async def f(card: str) -> None:
        nonlocal times
        times += 1
        raise error

    with caplog.at_level(logging.DEBUG):
        told = await outcome(clock, context, f, card=SECRET)
    assert "The tool failed" in told.error
    assert SECRET not in told.result
    assert "tool f in call c1" in caplog.text
    assert SECRET not in caplog.text
    assert times == 1


async def test_a_tool_that_takes_too_long_is_stopped_and_not_tried_again(
    clock: ManualClock, context: ToolContext
) -> None:
    work = Work()
    given = tool(name="work", handler=work, timeout_s=5)
    running = asyncio.create_task(ToolRunner(clock).run(given, call(given), context))
    async with asyncio.timeout(60):
        await work.began.wait()
        clock.advance(5)
        told = await running
    assert "did not finish in time" in told.error
    assert told.seconds == 5
    assert work.stopped
    assert work.times == 1


async def test_a_blocking_tool_that_takes_too_long_is_not_waited_for(clock: ManualClock, context: ToolContext) -> None:
    import threading

    began, release = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @tool(timeout_s=5)
    def block() -> None:
        loop.call_soon_threadsafe(began.set)
        release.wait()

    running = asyncio.create_task(ToolRunner(clock).run(block, call(block), context))
    async with asyncio.timeout(60):
        await began.wait()
        clock.advance(5)
        assert "did not finish in time" in (await running).error
    release.set()


async def test_cancelling_reaches_the_handler(clock: ManualClock, context: ToolContext) -> None:
    work = Work()
    given = tool(name="work", handler=work)
    running = asyncio.create_task(ToolRunner(clock).run(given, call(given), context))
    async with asyncio.timeout(60):
        await work.began.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert work.stopped
    assert clock.next_timer is None


async def test_progress_is_told_on_the_way_and_is_no_result(clock: ManualClock, context: ToolContext) -> None:
    async def search() -> AsyncGenerator[object]:
        yield {"progress": "Looking."}
        yield Progress("Still looking.")
        yield "found"

    said: list[str] = []
    given = tool(handler=search)
    found = await ToolRunner(clock).run(given, call(given), context, on_progress=said.append)
    assert (found.result, said) == ("found", ["Looking.", "Still looking."])


async def test_a_slow_tool_reassures_once(clock: ManualClock, context: ToolContext) -> None:
    work = Work()
    said: list[str] = []
    given = tool(name="work", handler=work, reassurance=Reassurance("One moment.", after_s=2))
    running = asyncio.create_task(ToolRunner(clock).run(given, call(given), context, on_progress=said.append))
    async with asyncio.timeout(60):
        await work.began.wait()
        clock.advance(1.9)
        assert said == []
        clock.advance(6)
        assert said == ["One moment."]
        work.finish.set()
        await running
    assert clock.next_timer is None


async def test_a_slow_tool_may_reassure_again_and_again(clock: ManualClock, context: ToolContext) -> None:
    work = Work()
    said: list[str] = []
    given = tool(name="work", handler=work, reassurance=Reassurance("One moment.", after_s=2, every_s=3))
    running = asyncio.create_task(ToolRunner(clock).run(given, call(given), context, on_progress=said.append))
    async with asyncio.timeout(60):
        await work.began.wait()
        clock.advance(4.9)
        assert said == ["One moment."]
        clock.advance(0.2)
        clock.advance(3)
        assert said == ["One moment."] * 3
        work.finish.set()
        await running
    assert clock.next_timer is None


async def test_a_tool_that_says_something_itself_needs_no_reassurance(clock: ManualClock, context: ToolContext) -> None:
    told, finish = asyncio.Event(), asyncio.Event()

    async def search() -> AsyncGenerator[object]:
        yield Progress("Looking.")
        told.set()
        await finish.wait()
        yield "found"

    said: list[str] = []
    given = tool(handler=search, reassurance="One moment.")
    running = asyncio.create_task(ToolRunner(clock).run(given, call(given), context, on_progress=said.append))
    async with asyncio.timeout(60):
        await told.wait()
        clock.advance(8)
        finish.set()
        await running
    assert said == ["Looking."]


async def test_a_result_that_json_cannot_carry_is_said_to_be_unreadable(
    clock: ManualClock, context: ToolContext
) -> None:
    @tool
    async def f() -> object:
        return {"thing": object()}

    assert "cannot be read" in (await outcome(clock, context, f)).error


def test_a_long_result_is_cut_and_says_so() -> None:
    assert capped("é" * (MAX_RESULT // 2)) == "é" * (MAX_RESULT // 2)
    cut = capped("x" + "é" * MAX_RESULT)
    assert cut.startswith("xé")
    assert cut.endswith(f"é\n[cut: the first {MAX_RESULT} of {2 * MAX_RESULT + 1} bytes]")


async def test_webhooks_need_a_client(clock: ManualClock, context: ToolContext) -> None:
    given = tool(name="order", webhook_url="https://example.com")
    assert "webhook" in (await outcome(clock, context, given)).error
