from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from getpatter.control.api import control_router
from getpatter.control.remote import RemoteSwitchboard
from getpatter.testing.clock import ManualClock
from getpatter.testing.http import served
from getpatter.testing.switchboard import MemorySwitchboard


@pytest.fixture
def board() -> MemorySwitchboard:
    return MemorySwitchboard(clock=ManualClock())


@pytest.fixture
def token() -> str:
    return "correct horse"


@pytest.fixture
async def base_url(board: MemorySwitchboard, token: str) -> AsyncIterator[str]:
    """A control API over `board` on a real socket."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(control_router(board, board.bus, token, hosts=["engine.example"]))
    async with served(app) as url:
        yield url


@pytest.fixture
async def remote(base_url: str, token: str) -> AsyncIterator[RemoteSwitchboard]:
    switchboard = RemoteSwitchboard(base_url, token)
    yield switchboard
    await switchboard.aclose()
