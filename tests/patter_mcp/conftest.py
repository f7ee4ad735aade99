from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from mcp import Client
from mcp.server import MCPServer
from mcp.types import Implementation

from getpatter.calls.switchboard import Switchboard
from getpatter.control.api import control_router
from getpatter.control.remote import RemoteSwitchboard
from getpatter.testing.clock import ManualClock
from getpatter.testing.http import served
from getpatter.testing.switchboard import MemorySwitchboard

Connect = Callable[..., Client]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def board(clock: ManualClock) -> MemorySwitchboard:
    return MemorySwitchboard(clock=clock, notes=("The agent's words come from a script.",))


@pytest.fixture(params=["in this process", "over the control API"])
async def switchboard(request: pytest.FixtureRequest, board: MemorySwitchboard) -> AsyncIterator[Switchboard]:
    """`board`, and `board` as another process sees it."""
    if request.param == "in this process":
        yield board
        return
    app = FastAPI()
    app.include_router(control_router(board, board.bus, "token"))
    async with served(app) as url:
        remote = RemoteSwitchboard(url, "token")
        yield remote
        await remote.aclose()


@pytest.fixture(params=["2026-07-28", "2025-11-25"])
def era(request: pytest.FixtureRequest) -> str:
    """The newest revision of each protocol era: without and with an initialize handshake."""
    version: str = request.param
    return version


@pytest.fixture
def connect(era: str) -> Connect:
    """A real client for a server, a URL, a transport or a command, in the protocol era of the test."""

    def client(server: MCPServer[Any] | Any, *, host: str = "test") -> Client:
        mode = "legacy" if era == "2025-11-25" else "auto"
        return Client(server, mode=mode, client_info=Implementation(name=host, version="1"), read_timeout_seconds=60)

    return client
