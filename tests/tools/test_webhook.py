from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from getpatter.errors import ConfigurationError, ToolError
from getpatter.llm.base import ToolCall
from getpatter.testing.clock import ManualClock
from getpatter.testing.http import served
from getpatter.tools.context import ToolContext
from getpatter.tools.run import ToolRunner
from getpatter.tools.ssrf import AddressGuard
from getpatter.tools.tool import tool
from getpatter.tools.webhook import MAX_REPLY, WebhookClient

SECRET = "hush"


class Shop:
    """A service at the other end, which answers as it is told and keeps what it was asked."""

    def __init__(self, answer: Response | None = None) -> None:
        self._answer = answer or PlainTextResponse("ordered")
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def order(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.headers.append(dict(request.headers))
        return self._answer


@asynccontextmanager
async def open_shop(answer: Response | None = None) -> AsyncIterator[Shop]:
    shop = Shop(answer)
    async with served(Starlette(routes=[Route("/order", shop.order, methods=["GET", "POST"])])) as url:
        shop.url = f"{url}/order"
        yield shop


@asynccontextmanager
async def client(*, secret: str = "", allow_private: bool = True) -> AsyncIterator[WebhookClient]:
    webhooks = WebhookClient(secret=secret, guard=AddressGuard(allow_private=allow_private))
    try:
        async with asyncio.timeout(60):
            yield webhooks
    finally:
        await webhooks.close()


async def test_the_service_is_told_the_tool_its_arguments_and_the_call(context: ToolContext) -> None:
    async with open_shop() as shop, client() as webhooks:
        assert await webhooks.post(shop.url, "order", {"size": 3}, context) == "ordered"
    assert json.loads(shop.bodies[0]) == {
        "tool": "order",
        "arguments": {"size": 3},
        "call_id": "c1",
        "caller": "+12025550100",
        "callee": "+12025550101",
    }
    assert shop.headers[0]["content-type"] == "application/json"
    assert "x-patter-signature" not in shop.headers[0]


async def test_a_secret_signs_the_body(context: ToolContext) -> None:
    async with open_shop() as shop, client(secret=SECRET) as webhooks:
        await webhooks.post(shop.url, "order", {}, context)
    expected = hmac.new(SECRET.encode(), shop.bodies[0], hashlib.sha256).hexdigest()
    assert shop.headers[0]["x-patter-signature"] == expected


async def test_each_call_of_a_tool_has_a_key_of_its_own(context: ToolContext) -> None:
    async with open_shop() as shop, client() as webhooks:
        for _ in range(2):
            await webhooks.post(shop.url, "order", {}, context)
    keys = [headers["idempotency-key"] for headers in shop.headers]
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (PlainTextResponse("no such size", 422), "HTTP 422: no such size"),
        (Response(status_code=503), "HTTP 503."),
        (RedirectResponse("/order", 307), "redirects elsewhere"),
        (RedirectResponse("http://169.254.169.254/", 302), "redirects elsewhere"),
        (Response(gzip.compress(b"x" * 99), headers={"content-encoding": "gzip"}), "cannot be read"),
        (PlainTextResponse("x" * (MAX_REPLY + 1)), "more than 1000000 bytes"),
    ],
)
async def test_other_answers_are_told_and_nothing_is_sent_twice(
    context: ToolContext, answer: Response, words: str
) -> None:
    async with open_shop(answer) as shop, client() as webhooks:
        with pytest.raises(ToolError) as refused:
            await webhooks.post(shop.url, "order", {}, context)
    assert words in refused.value.message
    assert len(shop.bodies) == 1


async def test_the_largest_reply_is_read_whole(context: ToolContext) -> None:
    async with open_shop(PlainTextResponse("x" * MAX_REPLY)) as shop, client() as webhooks:
        assert len(await webhooks.post(shop.url, "order", {}, context)) == MAX_REPLY


async def test_a_connection_that_breaks_leaves_open_whether_it_was_done(context: ToolContext) -> None:
    async def torn() -> AsyncIterator[bytes]:
        yield b"half"

    answer = StreamingResponse(torn(), headers={"content-length": "100"})
    async with open_shop(answer) as shop, client() as webhooks:
        with pytest.raises(ToolError, match="may or may not"):
            await webhooks.post(shop.url, "order", {}, context)
    assert len(shop.bodies) == 1


async def test_a_service_that_is_down_did_nothing(context: ToolContext) -> None:
    async with open_shop() as shop:
        pass
    async with client() as webhooks:
        with pytest.raises(ToolError, match="Nothing was done"):
            await webhooks.post(shop.url, "order", {}, context)


async def test_private_addresses_are_refused_unless_they_are_allowed(context: ToolContext) -> None:
    async with open_shop() as shop, client(allow_private=False) as webhooks:
        with pytest.raises(ConfigurationError, match="not on the public internet"):
            await webhooks.post(shop.url, "order", {}, context)
    assert shop.bodies == []


async def test_a_tool_with_a_webhook_is_done_by_it(clock: ManualClock, context: ToolContext) -> None:
    async with open_shop() as shop, client() as webhooks:
        order = tool(
            name="order",
            webhook_url=shop.url,
            parameters={"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]},
        )
        runner = ToolRunner(clock, webhooks)
        assert (await runner.run(order, ToolCall("t1", "order", '{"size": 3}'), context)).result == "ordered"
        assert "size" in (await runner.run(order, ToolCall("t2", "order", "{}"), context)).error
    assert len(shop.bodies) == 1
