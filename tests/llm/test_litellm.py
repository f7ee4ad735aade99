"""With the library where it is installed; CI has an environment of its own for it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from importlib import util

import pytest

from getpatter.errors import ConfigurationError
from getpatter.llm.base import TextDelta, ToolCall
from getpatter.llm.litellm import LiteLLMLLM
from getpatter.metering import Product, Used
from getpatter.testing.contracts.llm import HELLO, LOOK_UP, MONDAY, failure, reply, said
from getpatter.testing.vendors.openai_chat import Answer, OpenAIServer

INSTALLED = util.find_spec("litellm") is not None
needs_it = pytest.mark.skipif(not INSTALLED, reason="the extra litellm is not installed")


@pytest.mark.skipif(INSTALLED, reason="the library is installed")
def test_without_the_library_the_error_names_the_extra() -> None:
    with pytest.raises(ConfigurationError) as missing:
        LiteLLMLLM("gpt-4o-mini")
    assert "patter-mcp[litellm]" in str(missing.value.next_step)


@needs_it
async def test_a_reply_comes_through_the_library() -> None:
    usage = Used(Product("openai", "m"), input_tokens=30, output_tokens=9, cached_tokens=20)
    server = OpenAIServer(Answer(text="One moment.", tool_calls=(MONDAY,), usage=usage), key="k", model="m")
    async with server.running():
        llm = LiteLLMLLM("openai/m", "k", base_url=server.url)
        await llm.warm()
        *texts, call, used = await reply(llm, HELLO, [LOOK_UP])
        await llm.close()
    assert said(texts) == "One moment."
    assert all(isinstance(part, TextDelta) for part in texts)
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments) == (MONDAY.name, MONDAY.arguments)
    assert used == usage


@needs_it
async def test_a_refusal_is_an_error_of_the_provider_without_the_key() -> None:
    async with OpenAIServer(Answer(status=429, error={"message": "slow down sk-secret-key"})).running() as server:
        failed = await failure(
            LiteLLMLLM("openai/m", "sk-secret-key", base_url=server.url, extra_body={"num_retries": 0})
        )
    assert failed.retryable
    assert "sk-secret-key" not in failed.message


@needs_it
async def test_an_answer_that_nobody_wants_stops_at_the_server() -> None:
    async with OpenAIServer(Answer(text="Good evening to you.", stall_after=2)).running() as server:
        llm = LiteLLMLLM("openai/m", "k", base_url=server.url)
        async with asyncio.timeout(30), aclosing(llm.reply(HELLO, [])) as parts:
            assert isinstance(await anext(parts), TextDelta)
        async with asyncio.timeout(30):
            await (await server.request()).left.wait()
