"""The public URL leads to our engine, or it is said where it leads instead."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse

from getpatter.doctor.reachability import Reachability, stand_in
from getpatter.errors import ConfigurationError
from getpatter.server.ping import add_ping
from getpatter.settings import load
from getpatter.testing.certificates import self_signed, serving_with
from getpatter.testing.http import served

TOKEN = "correct horse"


def way(url: str) -> Reachability:
    return Reachability(public_url=url, carrier="twilio", token=TOKEN, leads_to="the engine")


@asynccontextmanager
async def engine(token: str = TOKEN, unsigned: int = 403) -> AsyncIterator[str]:
    """What a carrier listener answers to those who do not sign."""
    app = FastAPI()
    add_ping(app, "twilio", token)

    @app.post("/webhooks/twilio/voice")
    async def voice(request: Request) -> PlainTextResponse:
        is_form = request.headers.get("content-type") == "application/x-www-form-urlencoded"
        return PlainTextResponse("", unsigned if is_form else 415)

    async with served(app) as url:
        yield url


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def test_a_name_that_resolves() -> None:
    (found,) = await way("http://localhost:8080").resolves()
    assert found.level == "ok"
    assert "127.0.0.1" in found.message or "::1" in found.message


async def test_a_name_that_does_not() -> None:
    (found,) = await way("https://no-such-name.invalid").resolves()
    assert (found.level, "does not resolve" in found.message) == ("error", True)


async def test_our_engine_proves_that_it_is_ours() -> None:
    async with engine() as url:
        (found,) = await way(url).round_trip()
    assert found.level == "ok"


async def test_another_engine_cannot() -> None:
    async with engine(token="battery staple") as url:
        (found,) = await way(url).round_trip()
    assert (found.level, "by something else than the engine" in found.message) == ("error", True)


async def test_a_page_of_somebody_else_is_no_proof() -> None:
    app = FastAPI()

    @app.get("/{path:path}")
    async def page(path: str) -> PlainTextResponse:
        return PlainTextResponse("Welcome! " * 10_000)

    async with served(app) as url:
        (found,) = await way(url).round_trip()
    assert (found.level, "by something else" in found.message) == ("error", True)


async def test_a_redirect_is_told_and_not_followed() -> None:
    app = FastAPI()

    @app.get("/{path:path}")
    async def elsewhere(path: str) -> RedirectResponse:
        return RedirectResponse("https://phone.example.org/")

    async with served(app) as url:
        (found,) = await way(url).round_trip()
    assert (found.level, "redirects (HTTP 307)" in found.message) == ("error", True)


async def test_a_server_without_the_route_is_told() -> None:
    async with served(FastAPI()) as url:
        (found,) = await way(url).round_trip()
    assert (found.level, "HTTP 404" in found.message) == ("error", True)


async def test_a_server_that_is_away_is_told() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    for found in [*await way(url).round_trip(), *await way(url).refuses_unsigned()]:
        assert (found.level, "cannot be reached" in found.message) == ("error", True)


@pytest.mark.parametrize(("status", "level"), [(403, "ok"), (200, "error"), (404, "error"), (502, "error")])
async def test_only_a_refusal_of_what_nobody_signed_is_right(status: int, level: str) -> None:
    async with engine(unsigned=status) as url:
        (found,) = await way(url).refuses_unsigned()
    assert found.level == level


# -- certificates


async def test_a_certificate_that_carriers_would_not_trust_is_told(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=serving_with(self_signed("localhost", tmp_path)))
    async with server:
        port = server.sockets[0].getsockname()[1]
        (found,) = await way(f"https://localhost:{port}").round_trip()
    assert (found.level, "certificate" in found.message) == ("error", True)
    assert "self-signed" in found.next_step


# -- without an engine


async def test_where_no_engine_runs_the_ping_is_answered_in_its_place(tmp_path: Path) -> None:
    port = closed_port()
    async with stand_in(load(home=tmp_path, carrier_port=port), "twilio", TOKEN):
        (found,) = await way(f"http://127.0.0.1:{port}").round_trip()
    assert found.level == "ok"
    (found,) = await way(f"http://127.0.0.1:{port}").round_trip()
    assert found.level == "error"


async def test_a_port_that_somebody_else_has_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = load(home=tmp_path, carrier_port=other.getsockname()[1])
        with pytest.raises(ConfigurationError, match="Cannot listen"):
            async with stand_in(settings, "twilio", TOKEN):
                pass


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(way("https://phone.example.org"))
