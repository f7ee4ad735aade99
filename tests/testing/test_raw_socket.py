from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from getpatter.errors import CarrierError
from getpatter.testing.raw_socket import RawSocket


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        if message == "bye":
            await connection.close()
        elif message == "ping":
            await (await connection.ping())
            await connection.send("pong came")
        else:
            await connection.send(message)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serve(echo, "127.0.0.1", 0) as server:
        yield server


def url_of(server: Server) -> str:
    return f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/media"


class Opened:
    """A socket and what came through it."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = asyncio.Event()
        self.socket = RawSocket(self.messages.put_nowait, self.closed.set)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 300_000])
async def test_messages_of_any_size_go_both_ways(server: Server, size: int) -> None:
    opened = Opened()
    await opened.socket.connect(url_of(server))
    opened.socket.send(b"x" * size)
    opened.socket.send(b"and another")
    assert await opened.messages.get() == b"x" * size
    assert await opened.messages.get() == b"and another"
    opened.socket.close()
    await opened.socket.wait_closed()
    assert opened.closed.is_set()


async def test_pings_are_answered(server: Server) -> None:
    opened = Opened()
    await opened.socket.connect(url_of(server))
    opened.socket.send(b"ping")
    assert await opened.messages.get() == b"pong came"
    opened.socket.close()
    await opened.socket.wait_closed()


async def test_a_close_by_the_server_is_told_and_nothing_is_sent_after_it(server: Server) -> None:
    opened = Opened()
    await opened.socket.connect(url_of(server))
    opened.socket.send(b"bye")
    await opened.closed.wait()
    opened.socket.send(b"too late")
    opened.socket.close()


async def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CarrierError, match="could not be opened"):
        await Opened().socket.connect("ws://127.0.0.1:9/media")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b""])
async def test_a_refused_upgrade_is_an_error(answer: bytes) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    opened = Opened()
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        with pytest.raises(CarrierError, match=r"403|hung up"):
            await opened.socket.connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await opened.socket.wait_closed()


async def test_a_message_may_come_in_the_same_packet_as_the_upgrade() -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello\x81\x02")
        await writer.drain()
        writer.write(b"hi\x88\x00")
        await reader.read()
        writer.close()

    opened = Opened()
    async with await asyncio.start_server(hasty, "127.0.0.1", 0) as server:
        await opened.socket.connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert [await opened.messages.get(), await opened.messages.get()] == [b"hello", b"hi"]
        await opened.closed.wait()
