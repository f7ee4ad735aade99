"""A WebSocket and a request trust the same certificates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from getpatter.clock import SystemClock
from getpatter.connections.faults import Faults
from getpatter.connections.http import HttpRequest, HttpService, Waits
from getpatter.connections.tls import tls_context
from getpatter.connections.vendor import Vendor
from getpatter.connections.websocket import Address, WebSocket
from getpatter.errors import ProviderError
from getpatter.testing.certificates import self_signed, serving_with

HOST = "127.0.0.1"
FAULTS = Faults("m at acme.example", Vendor("Acme", "ACME_API_KEY"))


class Nobody:
    """A `Sink`."""

    def on_message(self, message: str | bytes) -> None: ...

    def on_closed(self, code: int, reason: str) -> None: ...


async def by_websocket(at: str) -> None:
    socket = WebSocket(Address(f"wss://{at}/"), Nobody(), FAULTS, SystemClock())
    try:
        await socket.open()
    finally:
        await socket.close()


async def by_http(at: str) -> None:
    service = HttpService(FAULTS)
    try:
        async with service.stream(HttpRequest(url=f"https://{at}/", method="GET"), Waits(10.0, 10.0)) as answer:
            assert await answer.body(10) == b"Hello."
    finally:
        await service.close()


WAYS = pytest.mark.parametrize("reach", [by_websocket, by_http])
Reach = Callable[[str], Awaitable[None]]


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(HOST, tmp_path_factory.mktemp("company"))


@pytest.fixture
async def company(certificate: Path) -> AsyncIterator[str]:
    """Host and port of a server with a certificate that only its company trusts."""
    async with company_server(certificate) as at:
        yield at


@asynccontextmanager
async def company_server(certificate: Path) -> AsyncIterator[str]:
    def plain(connection: ServerConnection, request: Request) -> Response | None:
        return None if "Upgrade" in request.headers else connection.respond(HTTPStatus.OK, "Hello.")

    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with (
        asyncio.timeout(60),
        serve(listen, HOST, 0, ssl=serving_with(certificate), process_request=plain) as server,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"{HOST}:{port}"


@WAYS
async def test_a_company_s_certificate_is_trusted_where_a_variable_names_it(
    reach: Reach, company: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    await reach(company)


@WAYS
async def test_nobody_else_trusts_it(reach: Reach, company: str) -> None:
    with pytest.raises(ProviderError, match="cannot be reached"):
        await reach(company)


@WAYS
async def test_a_variable_that_leads_to_nothing_is_named(
    reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(ProviderError, match="certificates that SSL_CERT_FILE names cannot be read"):
        await reach(f"{HOST}:1")


async def test_certificates_are_read_once_for_all_connections() -> None:
    assert await tls_context() is await tls_context()
