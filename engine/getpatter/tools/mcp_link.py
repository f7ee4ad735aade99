"""The connection of one call to one MCP server."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client, MCPError, StdioServerParameters, Tool, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent
from pydantic_core import to_json

from getpatter.clock import Clock, deadline
from getpatter.errors import PatterError, ProviderError, ToolError
from getpatter.tools.mcp_server import McpServer
from getpatter.tools.ssrf import AddressGuard, GuardedTransport

log = logging.getLogger(__name__)

MAX_PAGES = 20
"""Pages of a server's list of tools that are read."""
MAX_WORDS = 300
"""Characters of a server's own words that are passed on."""
CLOSE_S = 8.0
"""A process that is told to go gets 2 s, then SIGTERM and 2 s more before it is killed (MCP SDK)."""
_HTTP_TIMEOUT = httpx2.Timeout(30.0, connect=5.0, read=300.0)
"""Longer than any tool may take, which has a time limit of its own."""


class McpLink:
    """The connection to one server for one call.

    It lives in a task of its own, because the SDK's client must be closed by the task that opened it.
    """

    def __init__(self, server: McpServer, clock: Clock) -> None:
        self.server = server
        self._clock = clock
        self._leave = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._client: Client | None = None

    async def open(self) -> Sequence[Tool]:
        """The server's tools.  Raises `ProviderError`."""
        ready: asyncio.Future[Sequence[Tool]] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._stay(ready), name="mcp link")
        try:
            async with deadline(self._clock, self._clock.now() + self.server.connect_timeout_s):
                return await ready
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        except TimeoutError:
            self._task.cancel()
            raise self._failure(f"was not ready in {self.server.connect_timeout_s:g} s") from None

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """The tool's answer as text.  Raises `ToolError`."""
        if self._client is None:
            raise ToolError("The tool's server is gone. Nothing was done.")
        try:
            result = await self._client.call_tool(name, arguments)
        except MCPError as error:
            raise ToolError(f"The tool's server gave no result: {error.message[:MAX_WORDS]}") from None
        text = _result_text(result)
        if result.is_error:
            raise ToolError(text)
        return text

    async def close(self) -> None:
        if self._task is None:
            return
        self._leave.set()
        if self._client is None and not self._task.cancelling():
            self._task.cancel()  # still connecting, so there is nobody to take leave of
        try:
            async with deadline(self._clock, self._clock.now() + CLOSE_S):
                await asyncio.wait([self._task])
        except TimeoutError:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _stay(self, ready: asyncio.Future[Sequence[Tool]]) -> None:
        """Connect, tell the tools, and keep the connection until it is time to leave."""
        try:
            async with _connected(self.server) as client:
                tools = await _listed(client)
                self._client = client
                if not ready.done():
                    ready.set_result(tools)
                await self._leave.wait()
        except Exception as error:  # noqa: BLE001 - the edge to the MCP SDK, which raises groups of many kinds
            log.info("the MCP server %s failed: %s", self.server.label, _reason(error))
            if not ready.done():
                ready.set_exception(self._failure(f"cannot be used: {_reason(error)}"))
        finally:
            self._client = None
            if not ready.done():
                ready.set_exception(self._failure("was parted from"))

    def _failure(self, what: str) -> ProviderError:
        label = self.server.label
        return ProviderError(f"The MCP server {label} {what}. The call goes on without its tools.", provider=label)


@asynccontextmanager
async def _connected(server: McpServer) -> AsyncIterator[Client]:
    if server.command:
        parameters = StdioServerParameters(command=server.command, args=list(server.args), env=dict(server.env))
        # What a server writes for people may hold what the caller said, and is not ours to keep.
        with open(os.devnull, "w") as nowhere:  # noqa: ASYNC230 -- the null device does not block
            async with Client(stdio_client(parameters, errlog=nowhere)) as client:
                yield client
        return
    guard = AddressGuard(allow_private=server.allow_private)
    transport = GuardedTransport(guard, verify=server.tls)
    async with (
        httpx2.AsyncClient(
            transport=transport, headers=dict(server.headers), timeout=_HTTP_TIMEOUT, trust_env=False
        ) as http,
        Client(streamable_http_client(server.url, http_client=http)) as client,
    ):
        yield client


async def _listed(client: Client) -> list[Tool]:
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor:
            break
    return tools


def _result_text(result: CallToolResult) -> str:
    """The text that the server wrote, else its structured result; pictures and sounds are left out."""
    texts = [block.text for block in result.content if isinstance(block, TextContent)]
    if texts:
        return "\n".join(texts)
    if result.structured_content is not None:
        return to_json(result.structured_content).decode()
    return "Done." if not result.content else "The tool gave something that cannot be put in words."


def _reason(error: BaseException) -> str:
    """Why a server failed, without what may hold a key: texts of HTTP errors repeat the URL."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, PatterError | MCPError):
        return error.message[:MAX_WORDS]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
