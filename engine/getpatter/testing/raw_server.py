"""A server that knows no manners: for what clients have to bear."""

from __future__ import annotations

import asyncio
from typing import Self

from websockets.utils import accept_key


class RawServer:
    """Takes connections on a free loopback port and answers what it is told to, or nothing.

    With `shakes_hands` each becomes a WebSocket, on which it says nothing but `greeting`, in one piece with the
    handshake; `answer` is said instead of a handshake.
    """

    def __init__(self, *, shakes_hands: bool = False, answer: bytes = b"", greeting: bytes = b"") -> None:
        self._shakes_hands = shakes_hands
        self._answer = answer
        self._greeting = greeting
        self._connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._arrived = asyncio.Condition()
        self._requests = 0
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *failure: object) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()

    async def asked(self, count: int = 1) -> None:
        """Wait until so many requests have come."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._requests >= count)

    async def connected(self, count: int = 1) -> None:
        """Wait until so many connections were made."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self._connections) >= count)

    def drop(self) -> None:
        """Break all connections."""
        for _, writer in self._connections:
            writer.transport.abort()

    def hang_up(self) -> None:
        """Close all connections, once what was said is out."""
        for _, writer in self._connections:
            writer.close()

    async def say(self, data: bytes) -> None:
        """Bytes on the first connection."""
        writer = self._connections[0][1]
        writer.write(data)
        await writer.drain()

    async def frame(self) -> bytes:
        """The next bytes on the first connection."""
        return await self._connections[0][0].read(1024)

    def stop_reading(self) -> None:
        """Leave what comes lying."""
        for _, writer in self._connections:
            assert isinstance(writer.transport, asyncio.ReadTransport)
            writer.transport.pause_reading()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self._arrived:
            self._connections.append((reader, writer))
            self._arrived.notify_all()
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        if self._shakes_hands:
            writer.write(_acceptance(head) + self._greeting)
        elif self._answer:
            writer.write(self._answer)
            writer.close()
        async with self._arrived:
            self._requests += 1
            self._arrived.notify_all()


def _acceptance(head: str) -> bytes:
    names = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    accept = accept_key({name.lower(): value for name, value in names.items()}["sec-websocket-key"])
    lines = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
    return "\r\n".join((*lines, f"Sec-WebSocket-Accept: {accept}", "", "")).encode()
