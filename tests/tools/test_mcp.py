from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.server import MCPServer
from mcp.types import ToolAnnotations
from starlette.types import Receive, Scope, Send

from getpatter.errors import PatterError
from getpatter.llm.base import ToolCall
from getpatter.testing.clock import ManualClock
from getpatter.testing.http import served
from getpatter.tools.context import ToolContext
from getpatter.tools.mcp import MAX_TOOLS, McpTools
from getpatter.tools.mcp_server import McpServer
from getpatter.tools.run import ToolOutcome, ToolRunner
from getpatter.tools.tool import Tool

SHOP = Path(__file__).parent / "mcp_shop.py"


class Connected:
    """The tools of one call's MCP servers, by name, and the problems that were told."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.tools: dict[str, Tool] = {}
        self.problems: list[PatterError] = []

    async def run(self, name: str, arguments: str = "{}") -> ToolOutcome:
        return await ToolRunner(self.clock).run(self.tools[name], ToolCall("t1", name, arguments), ToolContext("c1"))


@asynccontextmanager
async def connected(*servers: McpServer, taken: Collection[str] = ()) -> AsyncIterator[Connected]:
    clock = ManualClock()
    connection = Connected(clock)
    servers_of_call = McpTools(servers, clock=clock, on_problem=connection.problems.append)
    async with asyncio.timeout(60):
        try:
            connection.tools = {tool.name: tool for tool in await servers_of_call.connect(taken)}
            yield connection
        finally:
            await servers_of_call.close()


def stdio(**more: Any) -> McpServer:
    return McpServer(command=sys.executable, args=[str(SHOP)], name="shop", **more)


class Endpoint:
    """An MCP server over HTTP that wants a token."""

    def __init__(self, server: MCPServer) -> None:
        self._app = server.streamable_http_app(streamable_http_path="/mcp")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (b"authorization", b"Bearer hush") not in scope["headers"]:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, send)


def museum() -> MCPServer:
    server = MCPServer("museum", log_level="CRITICAL")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    def price() -> str:
        return "nothing"

    @server.tool(name="end_call")
    def closing_time() -> str:
        return "closed"

    @server.tool()
    async def ponder() -> None:
        await asyncio.Event().wait()

    return server


@asynccontextmanager
async def endpoint(server: MCPServer | None = None) -> AsyncIterator[str]:
    async with served(Endpoint(server or museum())) as url:
        yield f"{url}/mcp"


async def timer_set(clock: ManualClock) -> None:
    while clock.next_timer is None:  # noqa: ASYNC110 -- a clock that stands still has no event
        await asyncio.sleep(0)


def http(url: str, token: str = "hush", **more: Any) -> McpServer:
    headers = {"Authorization": f"Bearer {token}"}
    return McpServer(url=url, headers=headers, name="web", **{"allow_private": True, **more})


async def test_the_tools_of_a_server_are_tools_of_the_agent() -> None:
    async with connected(stdio()) as call:
        assert list(call.tools) == ["price", "order", "stock_count", "die", "environment"]
        assert call.tools["price"].description == "What a thing costs."
        assert call.tools["price"].spec.parameters["required"] == ["thing"]
        assert (await call.run("price", '{"thing": "tea"}')).result == "tea: 5 euros"
        assert '"tea": 2' in (await call.run("order", '{"thing": "tea", "count": 2}')).result
        assert "count" in (await call.run("order", '{"thing": "tea", "count": "two"}')).error
        assert (await call.run("stock_count")).error == "Error executing tool stock.count: The stock is not known."
        assert call.problems == []


async def test_a_tool_that_only_reads_has_no_side_effects_and_any_other_may() -> None:
    async with endpoint() as url, connected(http(url, timeout_s=7, reassurance="One moment.")) as call:
        assert not call.tools["price"].side_effects
        assert call.tools["ponder"].side_effects
        assert call.tools["ponder"].timeout_s == 7
        assert call.tools["ponder"].reassurance == "One moment."


async def test_a_server_process_does_not_see_the_engines_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_LLM_KEY", "hush")
    async with connected(stdio(env={"SHOP_KEY": "open"})) as call:
        seen = (await call.run("environment")).result.split()
    assert "SHOP_KEY" in seen
    assert "PATTER_LLM_KEY" not in seen


async def test_names_that_are_taken_get_the_servers_before_them() -> None:
    async with endpoint() as url, connected(http(url), http(url), taken=["end_call"]) as call:
        assert list(call.tools) == ["price", "web_end_call", "ponder", "web_price", "web_end_call_2", "web_ponder"]
        assert (await call.run("web_end_call_2")).result == "closed"


async def test_only_allowed_tools_are_had_and_missing_ones_are_told() -> None:
    async with endpoint() as url, connected(http(url, allow=["price", "refund"])) as call:
        assert list(call.tools) == ["price"]
        assert [problem.message for problem in call.problems] == ["The MCP server web has no tool refund."]


async def test_a_server_may_be_reached_over_http() -> None:
    async with endpoint() as url, connected(http(url)) as call:
        assert (await call.run("price")).result == "nothing"
        assert call.problems == []


async def test_a_server_with_too_many_tools_is_told() -> None:
    server = MCPServer("many", log_level="CRITICAL")
    for number in range(MAX_TOOLS + 1):
        server.tool(name=f"t{number}")(lambda: "x")
    async with endpoint(server) as url, connected(http(url)) as call:
        assert len(call.tools) == MAX_TOOLS
        assert "65 tools" in call.problems[0].message


async def test_a_private_address_is_refused_without_the_opt_out() -> None:
    async with endpoint() as url, connected(http(url, allow_private=False)) as call:
        assert call.tools == {}
        assert "not on the public internet" in call.problems[0].message


async def down() -> str:
    async with endpoint() as url:
        return url


@pytest.mark.parametrize("kind", ["no command", "exits", "no server", "wrong token"])
async def test_a_server_that_is_down_costs_its_tools_and_not_the_call(kind: str) -> None:
    async with endpoint() as url:
        broken = {
            "no command": McpServer(command="/nowhere/shop", name="broken"),
            "exits": McpServer(command=sys.executable, args=["-c", "raise SystemExit(1)"], name="broken"),
            "no server": McpServer(url=await down(), name="broken", allow_private=True),
            "wrong token": McpServer(
                url=url, headers={"Authorization": "Bearer wrong"}, name="broken", allow_private=True
            ),
        }
        async with connected(broken[kind], http(url)) as call:
            assert list(call.tools) == ["price", "end_call", "ponder"]
            (problem,) = call.problems
    assert "The MCP server broken cannot be used" in problem.message
    assert "wrong" not in problem.message.removeprefix("The MCP server")


async def test_a_server_that_never_answers_is_not_waited_for() -> None:
    clock = ManualClock()
    problems: list[PatterError] = []
    silent = McpServer(command=sys.executable, args=["-c", "import sys; sys.stdin.read()"], name="silent")
    servers = McpTools([silent], clock=clock, on_problem=problems.append)
    async with asyncio.timeout(60):
        connecting = asyncio.create_task(servers.connect())
        await timer_set(clock)
        clock.advance(silent.connect_timeout_s)
        assert await connecting == []
        await servers.close()
    assert "was not ready in 10 s" in problems[0].message


async def test_a_server_that_dies_in_the_call_is_told_to_the_model() -> None:
    async with connected(stdio()) as call:
        assert "gave no result" in (await call.run("die")).error
        assert (await call.run("price", '{"thing": "tea"}')).error


async def test_a_tool_of_a_call_that_is_over_is_not_done() -> None:
    async with endpoint() as url, connected(http(url)) as call:
        pass
    assert "Nothing was done" in (await call.run("price")).error


async def test_a_server_that_takes_too_long_is_told_like_any_tool() -> None:
    async with endpoint() as url, connected(http(url, timeout_s=5)) as call:
        running = asyncio.create_task(call.run("ponder"))
        await timer_set(call.clock)
        call.clock.advance(5)
        assert "did not finish in time" in (await running).error
        assert (await call.run("price")).result == "nothing"


def mute(asked: asyncio.Event) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """A server that accepts and says nothing."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked.set()
            await asyncio.Event().wait()

    return app


async def test_a_connection_that_is_given_up_leaves_nothing_running_and_is_parted_from_at_once() -> None:
    asked, clock = asyncio.Event(), ManualClock()
    async with asyncio.timeout(60), served(mute(asked)) as url:
        servers = McpTools([http(f"{url}/mcp")], clock=clock, on_problem=lambda problem: None)
        connecting = asyncio.create_task(servers.connect())
        await asked.wait()
        connecting.cancel()
        await asyncio.wait([connecting])
        await servers.close()  # the clock stands still, so nothing of this took its time
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "mcp link"]


async def test_a_connection_that_is_under_way_is_parted_from_at_once() -> None:
    asked = asyncio.Event()

    async with asyncio.timeout(60), served(mute(asked)) as url:
        servers = McpTools([http(f"{url}/mcp")], clock=ManualClock(), on_problem=lambda problem: None)
        connecting = asyncio.create_task(servers.connect())
        await asked.wait()
        await servers.close()
        assert await connecting == []
