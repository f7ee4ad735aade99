from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from getpatter.errors import PartialReply, ProviderError
from getpatter.llm.base import ReplyPart, TextDelta, ToolCall
from getpatter.llm.partial import telling_what_was_said
from getpatter.metering import UNKNOWN, Used

BROKE = ProviderError("Acme broke off.", provider="Acme", retryable=True, next_step="Wait.")
CALL = ToolCall("call_1", "look_up", "{}")


async def breaking(*parts: ReplyPart) -> AsyncGenerator[ReplyPart]:
    for part in parts:
        yield part
    raise BROKE


async def failure(*parts: ReplyPart) -> ProviderError:
    with pytest.raises(ProviderError) as failed:
        async for _ in telling_what_was_said(breaking(*parts)):
            pass
    return failed.value


async def test_a_reply_that_breaks_off_says_what_it_gave() -> None:
    failed = await failure(TextDelta("Good "), CALL, TextDelta("day."))
    assert isinstance(failed, PartialReply)
    assert (failed.said, failed.tools) == ("Good day.", ("look_up",))
    assert (failed.message, failed.provider) == (BROKE.message, "Acme")
    assert (failed.retryable, failed.next_step) == (True, "Wait.")


@pytest.mark.parametrize("parts", [(), (TextDelta(""),), (CALL,), (Used(UNKNOWN),)])
async def test_a_reply_of_which_nothing_was_heard_fails_like_any_other(parts: tuple[ReplyPart, ...]) -> None:
    assert await failure(*parts) is BROKE


async def test_closing_it_closes_the_reply() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[ReplyPart]:
        try:
            while True:
                yield TextDelta("on and ")
        finally:
            closed.set()

    async with aclosing(telling_what_was_said(endless())) as parts:
        await anext(parts)
    assert closed.is_set()
