"""What the listener does with heads of requests that no carrier would send, over real connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from getpatter.server.guarded_http import HEAD_TIMEOUT_S, MAX_HEAD_BYTES, MAX_HEADERS, guarded_http
from getpatter.testing.clock import ManualClock

REQUEST = b"POST /echo HTTP/1.1\r\nHost: test\r\n"


class Server:
    def __init__(self, port: int) -> None:
        self.port = port
        self.clock = ManualClock()

    async def send(self, *pieces: bytes) -> bytes:
        """All that is answered until the connection closes, or the first line of it where it stays open."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in pieces:
            writer.write(piece)
        answer = await reader.readline()
        writer.close()
        return answer


async def dropped(reader: asyncio.StreamReader) -> bool:
    """Without an answer."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:  # what was sent last had not been read
        return True


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await request.body())

    app = Starlette(routes=[Route("/echo", echo, methods=["POST"])])
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = Server(bound.getsockname()[1])
        config = uvicorn.Config(app, http=guarded_http(server.clock), lifespan="off", log_config=None)
        running = uvicorn.Server(config)
        async with asyncio.timeout(30):
            serving = asyncio.create_task(running.serve([bound]))
            try:
                yield server
            finally:
                running.should_exit = running.force_exit = True
                await serving


async def test_an_ordinary_request_is_served(server: Server) -> None:
    assert await server.send(REQUEST, b"Content-Length: 2\r\n\r\nhi") == b"HTTP/1.1 200 OK\r\n"


async def test_a_body_may_be_longer_than_a_head(server: Server) -> None:
    size = MAX_HEAD_BYTES * 2
    head = REQUEST + f"Content-Length: {size}\r\n\r\n".encode()
    assert await server.send(head, b"x" * (size // 2), b"x" * (size // 2)) == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "head",
    [
        REQUEST + b"X-Long: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
        REQUEST + b"X-Long: " + b"x" * MAX_HEAD_BYTES,  # and it goes on
        b"POST /echo?" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: test\r\n\r\n",
        REQUEST + b"X: 1\r\n" * MAX_HEADERS + b"\r\n",
    ],
    ids=["a long header", "an endless header", "a long target", "many headers"],
)
async def test_too_long_a_head_is_refused(server: Server, head: bytes) -> None:
    assert await server.send(head) == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"


async def test_what_is_no_request_is_refused(server: Server) -> None:
    assert await server.send(b"\x16\x03\x01\x02\x00\x01") == b"HTTP/1.1 400 Bad Request\r\n"


@pytest.mark.parametrize("begun", [b"", b"POST", REQUEST])
async def test_a_head_that_does_not_come_is_not_waited_for(server: Server, begun: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(begun)
    while server.clock.next_timer is None:  # noqa: ASYNC110 -- the server tells nobody of a connection
        await asyncio.sleep(0)
    server.clock.advance(HEAD_TIMEOUT_S)
    assert await dropped(reader)
    writer.close()


async def test_a_body_that_takes_longer_than_a_head_may_is_not_this_timer_s(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(REQUEST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert server.clock.next_timer is None
    server.clock.advance(HEAD_TIMEOUT_S)
    writer.write(b"hi")
    await reader.readline()
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.close()


async def test_the_next_head_on_a_connection_has_its_own_time(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(REQUEST + b"Content-Length: 0\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    assert server.clock.next_timer is None
    writer.write(b"POST /ec")
    while server.clock.next_timer is None:  # noqa: ASYNC110 -- as above
        await asyncio.sleep(0)
    server.clock.advance(HEAD_TIMEOUT_S)
    assert await dropped(reader)
    writer.close()
