"""The stand-in is held honest by the official client, which reads what it sends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from getpatter.llm.anthropic_messages import AnthropicMessages
from getpatter.llm.base import Message, ToolCall, ToolSpec
from getpatter.metering import UNKNOWN, Product, Used
from getpatter.testing.vendors.anthropic import AnthropicServer
from getpatter.testing.vendors.model_server import Answer

anthropic = pytest.importorskip("anthropic", reason="the official client is not installed")

CALL = ToolCall("toolu_1", "look_up", '{"day": "Monday", "people": 2}')
HELLO: Any = [{"role": "user", "content": [{"type": "text", "text": "When?"}]}]


@asynccontextmanager
async def client_of(server: AnthropicServer) -> AsyncIterator[Any]:
    async with server.running(), anthropic.AsyncAnthropic(base_url=server.url, api_key="k", max_retries=0) as client:
        yield client


async def test_the_official_client_reads_text_tool_calls_and_usage() -> None:
    usage = Used(UNKNOWN, input_tokens=130, output_tokens=9, cached_tokens=20, cache_write_tokens=100)
    server = AnthropicServer(Answer(text="Let me see.", thoughts="Hm.", tool_calls=(CALL,), usage=usage), key="k")
    async with (
        client_of(server) as client,
        client.messages.stream(model="m", max_tokens=100, messages=HELLO) as stream,
    ):
        message = await stream.get_final_message()
    thinking, text, call = message.content
    assert (thinking.thinking, text.text) == ("Hm.", "Let me see.")
    assert (call.id, call.name, call.input) == (CALL.id, CALL.name, json.loads(CALL.arguments))
    assert message.stop_reason == "tool_use"
    told = message.usage
    assert (told.input_tokens, told.output_tokens) == (10, 9)
    assert (told.cache_read_input_tokens, told.cache_creation_input_tokens) == (20, 100)


@pytest.mark.parametrize(
    ("server", "error"),
    [
        (AnthropicServer(key="another"), "AuthenticationError"),
        (AnthropicServer(model="another"), "NotFoundError"),
        (AnthropicServer(Answer(status=429, error={"message": "slow down"})), "RateLimitError"),
        (AnthropicServer(Answer(status=500, error={"message": "broken"})), "InternalServerError"),
        (AnthropicServer(Answer(status=529, error={"message": "Overloaded"})), "OverloadedError"),
        (AnthropicServer(Answer(text="Yes.", error_after=4)), "APIStatusError"),
    ],
    ids=["key", "model", "rate", "broken", "overloaded", "stream"],
)
async def test_the_official_client_knows_the_errors(server: AnthropicServer, error: str) -> None:
    async with client_of(server) as client:
        with pytest.raises(getattr(anthropic, error)):
            await _read(client)


async def _read(client: Any) -> None:
    async with client.messages.stream(model="m", max_tokens=100, messages=HELLO) as stream:
        await stream.until_done()


async def test_our_request_is_one_that_the_official_client_could_send() -> None:
    """Both are compared as they arrive: the client is given what we write."""
    tool = ToolSpec("look_up", "Look up.", {"type": "object", "properties": {}})
    dialect = AnthropicMessages(url="https://host", product=Product("anthropic", "m"), key=SecretStr("k"))
    messages = [
        Message("system", "Be brief."),
        Message("user", "When?"),
        Message("assistant", "", (CALL,)),
        Message("tool", "at eight", tool_call_id=CALL.id),
    ]
    body = dialect.body(messages, [tool])
    given = {name: value for name, value in body.items() if name != "stream"}
    server = AnthropicServer(key="k")
    async with client_of(server) as client, client.messages.stream(**given) as stream:
        await stream.until_done()
    assert server.requests[0].body == body
    assert server.requests[0].path == "/v1/messages"
    for name, value in dialect.headers().items():
        assert server.requests[0].headers[name.lower()] == value


async def test_sampling_is_refused_in_the_version_that_has_none() -> None:
    async with client_of(AnthropicServer(key="k")) as client:
        with pytest.raises(anthropic.BadRequestError, match="temperature"):
            await client.messages.create(
                model="m", max_tokens=5, messages=HELLO, stream=True, extra_body={"temperature": 1.0}
            )
