"""MCP servers as tools for the agent on the telephone: connected while the call rings, closed when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

from mcp import Tool as RemoteTool

from getpatter.clock import Clock
from getpatter.errors import ConfigurationError, PatterError, ProviderError
from getpatter.tools.mcp_link import McpLink
from getpatter.tools.mcp_server import McpServer, fit_name
from getpatter.tools.tool import Tool

MAX_TOOLS = 64
"""Tools of one server that the model is told of: each costs it attention and time at every reply."""
MAX_DESCRIPTION = 1024
"""Characters; what providers of language models accept."""

OnProblem = Callable[[PatterError], None]
"""Told what a call has to do without."""


class McpTools:
    """The MCP servers of one call."""

    def __init__(self, servers: Sequence[McpServer], *, clock: Clock, on_problem: OnProblem) -> None:
        self._links = [McpLink(server, clock) for server in servers]
        self._clock = clock
        self._on_problem = on_problem

    async def connect(self, taken: Collection[str] = ()) -> list[Tool]:
        """Open all at once: their tools, under names that are not `taken`.

        A server that cannot be used is told to `on_problem`, and its tools are missing.
        """
        offers = await asyncio.gather(*(self._open(link) for link in self._links))
        names = set(taken)
        tools: list[Tool] = []
        for link, offered in zip(self._links, offers, strict=True):
            for remote in self._chosen(link.server, offered):
                name = _free_name(remote.name, link.server.label, names)
                try:
                    tool = _tool(link, remote, name)
                except ConfigurationError as error:
                    self._on_problem(ProviderError(error.message, provider=link.server.label))
                    continue
                names.add(name)
                tools.append(tool)
        return tools

    async def close(self) -> None:
        """Part from all servers; their tools cannot be used any more."""
        await asyncio.gather(*(link.close() for link in self._links))

    async def _open(self, link: McpLink) -> Sequence[RemoteTool]:
        try:
            return await link.open()
        except PatterError as error:
            self._on_problem(error)
            return ()

    def _chosen(self, server: McpServer, offered: Sequence[RemoteTool]) -> Sequence[RemoteTool]:
        """Those that the agent may use."""
        if server.allow is not None and offered:
            missing = sorted(set(server.allow) - {remote.name for remote in offered})
            if missing:
                lacks = f"The MCP server {server.label} has no tool {', '.join(missing)}."
                self._on_problem(ProviderError(lacks, provider=server.label))
            offered = [remote for remote in offered if remote.name in server.allow]
        if len(offered) > MAX_TOOLS:
            many = f"The MCP server {server.label} has {len(offered)} tools, of which {MAX_TOOLS} are used."
            self._on_problem(ProviderError(many, provider=server.label, next_step="Name those that matter in allow."))
        return offered[:MAX_TOOLS]


def _tool(link: McpLink, remote: RemoteTool, name: str) -> Tool:
    """Raises `ConfigurationError`, e.g. for a schema that is none."""

    async def handler(arguments: dict[str, Any]) -> str:
        return await link.call(remote.name, arguments)

    # A server that says nothing of its tool may change anything (MCP, `readOnlyHint`).
    reads_only = remote.annotations is not None and remote.annotations.read_only_hint is True
    return Tool(
        name=name,
        description=(remote.description or remote.title or remote.name)[:MAX_DESCRIPTION],
        parameters=remote.input_schema,
        handler=handler,
        timeout_s=link.server.timeout_s,
        reassurance=link.server.reassurance,
        side_effects=not reads_only,
    )


def _free_name(name: str, label: str, taken: Collection[str]) -> str:
    """The tool's own name, or one with the server's before it, or with a number after that, whichever is free."""
    own = fit_name(name)
    if own and own not in taken:
        return own
    prefixed = fit_name(f"{label}_{name}")
    number = 1
    while (candidate := prefixed if number == 1 else f"{prefixed[:60]}_{number}") in taken:
        number += 1
    return candidate
