from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest

from getpatter.clock import Clock
from getpatter.errors import ProviderError
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.callable import CallableLLM, MessageHandler
from getpatter.llm.foreign import REPLY_S
from getpatter.metering import UNKNOWN, Used
from getpatter.testing.clock import ManualClock
from getpatter.tools.context import ToolContext

SAID = [
    Message("system", "Be quick."),
    Message("assistant", "Good day."),
    Message("user", "Are you open?"),
]
CALL = ToolContext("call_1", "+12025550107", "+12025550199")
LOOK_UP = ToolSpec("look_up", "Looks a customer up.", {"type": "object", "properties": {}})


def model(function: MessageHandler, clock: Clock | None = None) -> CallableLLM:
    return CallableLLM(function, clock=clock).for_call(CALL)


async def parts(function: MessageHandler, messages: Sequence[Message] = SAID) -> list[ReplyPart]:
    return [part async for part in model(function).reply(messages, [LOOK_UP])]


async def reply(function: MessageHandler) -> list[str]:
    said = await parts(function)
    assert all(isinstance(part, TextDelta) for part in said)
    return [part.text for part in said if isinstance(part, TextDelta)]


class Remembers:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    async def __call__(self, message: dict[str, Any]) -> str:
        self.told.append(message)
        return "Until six."


async def test_it_is_told_the_message_what_came_before_and_whose_call_it_is() -> None:
    function = Remembers()
    assert await reply(function) == ["Until six."]
    assert function.told == [
        {
            "text": "Are you open?",
            "call_id": "call_1",
            "caller": "+12025550107",
            "callee": "+12025550199",
            "history": [{"role": "assistant", "text": "Good day."}],
            "messages": [
                {"role": "system", "content": "Be quick."},
                {"role": "assistant", "content": "Good day."},
                {"role": "user", "content": "Are you open?"},
            ],
            "tools": [
                {
                    "name": "look_up",
                    "description": "Looks a customer up.",
                    "parameters": {"type": "object", "properties": {}},
                }
            ],
        }
    ]


async def test_it_may_ask_for_tools_and_is_told_what_came_of_them() -> None:
    asks = ToolCall("1", "look_up", "{}")

    async def function(message: dict[str, Any]) -> AsyncIterator[str | ToolCall]:
        if message["text"]:
            yield "One moment. "
            yield asks
        else:
            yield f"You are {message['messages'][-1]['content']}."

    assert await parts(function) == [TextDelta("One moment. "), asks]
    after = [*SAID, Message("assistant", "One moment.", (asks,)), Message("tool", "Ann", tool_call_id="1")]
    assert await parts(function, after) == [TextDelta("You are Ann.")]


async def test_it_may_tell_what_it_used() -> None:
    used = Used(UNKNOWN, input_tokens=5)

    async def function(message: dict[str, Any]) -> AsyncIterator[object]:
        yield TextDelta("Yes.")
        yield used

    assert await parts(function) == [TextDelta("Yes."), used]


async def test_without_a_call_it_is_asked_all_the_same() -> None:
    function = Remembers()
    assert [part async for part in CallableLLM(function).reply([], [])] == [TextDelta("Until six.")]
    assert (function.told[0]["text"], function.told[0]["call_id"]) == ("", "")


async def test_one_function_answers_any_number_of_calls() -> None:
    shared = CallableLLM(plain_with_call)
    for number in ("1", "2"):
        in_call = shared.for_call(ToolContext(number))
        assert [part async for part in in_call.reply(SAID, [])] == [TextDelta(f"Yes, {number}.")]


async def test_a_control_of_the_call_takes_the_place_of_the_call() -> None:
    in_call = CallableLLM(plain_with_call).controlled_by(ToolContext("control")).for_call(CALL)
    assert [part async for part in in_call.reply(SAID, [])] == [TextDelta("Yes, control.")]


@pytest.mark.parametrize(
    ("function", "name"), [(lambda message: "", "<lambda>"), (Remembers(), "Remembers"), (print, "print")]
)
def test_it_is_called_by_its_own_name(function: MessageHandler, name: str) -> None:
    assert CallableLLM(function).name == name
    assert CallableLLM(function, name="brain").name == "brain"


def plain(message: dict[str, Any]) -> str:
    return "Yes."


def plain_with_call(message: dict[str, Any], call: ToolContext) -> str:
    return f"Yes, {call.call_id}."


def plain_pieces(message: dict[str, Any]) -> Iterator[str]:
    yield "Yes, "
    yield ""
    yield "until six."


async def pieces(message: dict[str, Any]) -> AsyncIterator[str]:
    yield "Yes, "
    yield "until six."


async def silent(message: dict[str, Any]) -> None:
    return None


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        (plain, ["Yes."]),
        (plain_with_call, ["Yes, call_1."]),
        (lambda message, *more: f"{len(more)}", ["1"]),
        (pieces, ["Yes, ", "until six."]),
        (plain_pieces, ["Yes, ", "until six."]),
        (lambda message: pieces(message), ["Yes, ", "until six."]),
        (silent, []),
    ],
)
async def test_every_kind_of_function_answers(handler: MessageHandler, says: list[str]) -> None:
    assert await reply(handler) == says


async def breaks_off(message: dict[str, Any]) -> AsyncIterator[str]:
    yield "Yes, "
    raise RuntimeError("the caller's card number")


async def no_text(message: dict[str, Any]) -> int:
    return 5


async def fails(message: dict[str, Any]) -> str:
    raise RuntimeError("the caller's card number")


@pytest.mark.parametrize("handler", [breaks_off, no_text, fails])
async def test_what_goes_wrong_in_it_is_the_providers_fault(handler: MessageHandler) -> None:
    with pytest.raises(ProviderError) as failed:
        await reply(handler)
    assert "card" not in str(failed.value)
    assert failed.value.provider == handler.__name__


async def test_what_it_says_of_a_provider_of_its_own_stands() -> None:
    async def function(message: dict[str, Any]) -> str:
        raise ProviderError("The model is away.", provider="theirs", retryable=True)

    with pytest.raises(ProviderError, match="The model is away"):
        await reply(function)


async def test_it_is_not_waited_for_without_end() -> None:
    clock, began = ManualClock(), asyncio.Event()

    async def hangs(message: dict[str, Any]) -> str:
        began.set()
        await asyncio.Event().wait()
        return ""

    answering = asyncio.ensure_future(anext(model(hangs, clock).reply(SAID, [])))
    await began.wait()
    clock.advance(REPLY_S)
    with pytest.raises(ProviderError, match="nothing within 30 s"):
        await answering


async def test_a_reply_that_is_broken_off_closes_the_generator() -> None:
    closed: list[bool] = []

    async def endless(message: dict[str, Any]) -> AsyncIterator[str]:
        try:
            while True:
                yield "and "
        finally:
            closed.append(True)

    answering = model(endless).reply(SAID, [])
    assert await anext(answering) == TextDelta("and ")
    await answering.aclose()
    assert closed == [True]


async def test_a_plain_generator_that_is_broken_off_is_closed() -> None:
    closed = threading.Event()

    def endless(message: dict[str, Any]) -> Iterator[str]:
        try:
            while True:
                yield "and "
        finally:
            closed.set()

    answering = model(endless).reply(SAID, [])
    assert await anext(answering) == TextDelta("and ")
    await answering.aclose()
    assert closed.is_set()


async def test_a_thread_that_does_not_come_back_is_left_behind() -> None:
    began, goes_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hangs(message: dict[str, Any]) -> Iterator[str]:
        loop.call_soon_threadsafe(began.set)
        goes_on.wait()
        yield "late"

    answering = asyncio.ensure_future(anext(model(hangs).reply(SAID, [])))
    await began.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    goes_on.set()
