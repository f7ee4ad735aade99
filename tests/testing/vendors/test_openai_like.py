"""Vendors whose API is OpenAI's have official clients of their own, which hold the stand-in to what they add."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from getpatter.llm.base import ToolCall
from getpatter.metering import UNKNOWN, Used
from getpatter.testing.vendors.model_server import Answer
from getpatter.testing.vendors.openai_chat import OpenAIServer

CALL = ToolCall("call_1", "look_up", '{"day": "Monday"}')
USAGE = Used(UNKNOWN, input_tokens=30, output_tokens=9, cached_tokens=20)
HELLO: Any = [{"role": "user", "content": "When?"}]


@asynccontextmanager
async def groq_at(url: str) -> AsyncIterator[Any]:
    groq = pytest.importorskip("groq", reason="the official client is not installed")
    async with groq.AsyncGroq(base_url=url.removesuffix("/openai/v1"), api_key="k", max_retries=0) as client:
        yield client


@asynccontextmanager
async def cerebras_at(url: str) -> AsyncIterator[Any]:
    sdk = pytest.importorskip("cerebras.cloud.sdk", reason="the official client is not installed")
    async with sdk.AsyncCerebras(
        base_url=url.removesuffix("/v1"), api_key="k", max_retries=0, warm_tcp_connection=False
    ) as client:
        yield client


class GroqServer(OpenAIServer):
    base = "/openai/v1"


VENDORS = pytest.mark.parametrize(
    ("make", "client_at"),
    [(GroqServer, groq_at), (OpenAIServer, cerebras_at)],
    ids=["groq", "cerebras"],
)
Client = Callable[[str], AbstractAsyncContextManager[Any]]


async def chunks(client: Any) -> list[Any]:
    stream = await client.chat.completions.create(
        model="m", messages=HELLO, stream=True, extra_body={"stream_options": {"include_usage": True}}
    )
    return [chunk async for chunk in stream]


@VENDORS
async def test_the_official_client_reads_text_tool_calls_and_usage(make: type[OpenAIServer], client_at: Client) -> None:
    answer = Answer(text="Let me see. One moment.", tool_calls=(CALL,), usage=USAGE)
    usage_in = "x_groq" if make is GroqServer else "usage"
    async with make(answer, key="k", usage_in=usage_in).running() as server, client_at(server.url) as client:
        found = await chunks(client)
    deltas = [choice.delta for chunk in found for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == answer.text
    calls = [call for delta in deltas for call in delta.tool_calls or []]
    assert (calls[0].id, calls[0].function.name) == (CALL.id, CALL.name)
    assert "".join(call.function.arguments or "" for call in calls) == CALL.arguments
    told = found[-1].x_groq.usage if make is GroqServer else found[-1].usage
    assert (told.prompt_tokens, told.completion_tokens) == (30, 9)
    assert told.prompt_tokens_details.cached_tokens == 20


@VENDORS
@pytest.mark.parametrize(
    ("options", "answer", "error"),
    [
        ({"key": "another"}, Answer(), "AuthenticationError"),
        ({"model": "another"}, Answer(), "NotFoundError"),
        ({}, Answer(status=429, error={"message": "slow down"}), "RateLimitError"),
        ({}, Answer(status=500, error={"message": "broken"}), "InternalServerError"),
    ],
    ids=["key", "model", "rate", "broken"],
)
async def test_the_official_client_knows_the_errors(
    make: type[OpenAIServer], client_at: Client, options: dict[str, str], answer: Answer, error: str
) -> None:
    async with make(answer, **options).running() as server, client_at(server.url) as client:
        with pytest.raises(Exception, match=r".") as failed:
            await chunks(client)
    assert type(failed.value).__name__ == error
