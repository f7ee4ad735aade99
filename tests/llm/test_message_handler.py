from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from getpatter.clock import Clock, SystemClock
from getpatter.errors import ProviderError
from getpatter.llm.base import Message, TextDelta
from getpatter.llm.message_handler import REPLY_S, MessageHandler, MessageHandlerLLM, asked
from getpatter.testing.clock import ManualClock

SAID = [
    Message("system", "Be quick."),
    Message("assistant", "Good day."),
    Message("user", "Are you open?"),
]
FACTS = {"call_id": "call_1", "caller": "+12025550107", "callee": "+12025550199"}


def model(handler: MessageHandler, control: object = None, clock: Clock | None = None) -> MessageHandlerLLM:
    return MessageHandlerLLM(asked(handler, control), lambda: FACTS, clock or SystemClock())


async def reply(handler: MessageHandler, control: object = None) -> list[str]:
    parts = [part async for part in model(handler, control).reply(SAID, [])]
    assert all(isinstance(part, TextDelta) for part in parts)
    return [part.text for part in parts if isinstance(part, TextDelta)]


async def test_it_is_told_the_message_what_came_before_and_whose_call_it_is() -> None:
    told: list[dict[str, Any]] = []

    async def handler(message: dict[str, Any]) -> str:
        told.append(message)
        return "Until six."

    assert await reply(handler) == ["Until six."]
    assert told == [{"text": "Are you open?", **FACTS, "history": [{"role": "assistant", "text": "Good day."}]}]


def plain(message: dict[str, Any]) -> str:
    return "Yes."


def plain_with_call(message: dict[str, Any], call: object) -> str:
    return f"Yes, {call}."


async def pieces(message: dict[str, Any]) -> AsyncIterator[str]:
    yield "Yes, "
    yield "until six."


async def silent(message: dict[str, Any]) -> None:
    return None


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        (plain, ["Yes."]),
        (plain_with_call, ["Yes, call."]),
        (lambda message, *more: f"{len(more)}", ["1"]),
        (pieces, ["Yes, ", "until six."]),
        (lambda message: pieces(message), ["Yes, ", "until six."]),
        (silent, []),
    ],
)
async def test_every_kind_of_function_answers(handler: MessageHandler, says: list[str]) -> None:
    assert await reply(handler, "call") == says


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
    assert failed.value.provider == "on_message"


async def test_it_is_not_waited_for_without_end() -> None:
    clock, began = ManualClock(), asyncio.Event()

    async def hangs(message: dict[str, Any]) -> str:
        began.set()
        await asyncio.Event().wait()
        return ""

    answering = asyncio.ensure_future(anext(model(hangs, clock=clock).reply(SAID, [])))
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
