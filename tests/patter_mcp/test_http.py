from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import httpx2
import pytest
from fastapi import FastAPI
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from getpatter.testing.http import served
from getpatter.testing.switchboard import MemorySwitchboard
from patter_mcp.http import mount

Connect = Callable[..., Client]

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"Accept": "application/json, text/event-stream", "Authorization": "Bearer secret"}


@pytest.fixture
async def url(board: MemorySwitchboard) -> AsyncIterator[str]:
    """The mount on a real socket, beside a route of the app it is mounted on."""
    mcp = mount(board, board.bus, "secret")
    app = FastAPI(lifespan=lambda app: mcp.lifespan())
    app.add_api_route("/health", lambda: "ok")
    app.mount(mcp.path, mcp.app)
    async with served(app) as base:
        yield base


async def test_calls_are_placed_over_http(connect: Connect, era: str, url: str, board: MemorySwitchboard) -> None:
    async with (
        httpx2.AsyncClient(headers={"Authorization": "Bearer secret"}, trust_env=False) as http,
        connect(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        assert client.protocol_version == era
        placed = await client.call_tool("place_call", {"to_number": "+12025550100", "goal": "Book a table."})
        assert placed.structured_content is not None
        call_id = placed.structured_content["call_id"]
        told: list[str | None] = []

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            told.append(message)
            if message == "queued":
                board.end(call_id, "busy")

        waited = await client.call_tool("wait_for_call", {"call_id": call_id}, progress_callback=on_progress)
    assert waited.structured_content is not None
    assert waited.structured_content["outcome"] == "busy"
    assert told == ["queued", "ended: busy"]


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic secret"])
async def test_without_the_token_nothing_is_spoken(url: str, authorization: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        refused = await http.post(f"{url}/mcp", json=PING, headers={**HEADERS, "Authorization": authorization})
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert refused.json()["error"]["code"] == "access_denied"


async def test_a_page_in_the_browser_cannot_speak(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        rebound = await http.post(f"{url}/mcp", json=PING, headers={**HEADERS, "Host": "evil.example"})
        foreign = await http.post(f"{url}/mcp", json=PING, headers={**HEADERS, "Origin": "https://evil.example"})
    assert rebound.status_code == 401
    assert foreign.status_code == 403


async def test_no_authorization_server_is_advertised(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{url}/.well-known/oauth-protected-resource/mcp")).status_code == 404


async def test_the_app_it_is_mounted_on_keeps_its_routes(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{url}/health")).json() == "ok"
