"""A WebSocket service of a vendor's: who is let in, what came, and the ways in which such services fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Json = dict[str, Any]


@dataclass(eq=False)
class Session:
    """One connection: how it was asked for, and all that came over it."""

    socket: ServerConnection
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Lower-case names."""
    received: list[str | bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def told(self) -> list[Json]:
        """The JSON messages that came."""
        return [json.loads(message) for message in self.received if isinstance(message, str)]

    @property
    def audio(self) -> bytes:
        """The binary messages that came, joined."""
        return b"".join(message for message in self.received if isinstance(message, bytes))

    async def send(self, message: Json | str | bytes) -> None:
        """To the client; nothing happens when it has left."""
        with suppress(ConnectionClosed):
            await self.socket.send(json.dumps(message) if isinstance(message, dict) else message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self.socket.close(code, reason)

    def drop(self) -> None:
        """Break the connection, without a word."""
        self.socket.transport.abort()


class SocketServer:
    """Serves one vendor's protocol, which a subclass speaks in `talk`, on a free loopback port.

    `sessions` holds every connection that was let in.
    """

    subprotocols: tuple[str, ...] = ()

    def __init__(self, *, key: str = "") -> None:
        """With `key`, `admit` refuses connections without it."""
        self.key = key
        self.sessions: list[Session] = []
        self.refuses: HTTPStatus | None = None
        """Set it, and no connection is taken any more."""
        self.begins: asyncio.Event | None = None
        """A slow start: the vendor says nothing on a new connection before it is set."""
        self.url = ""
        """While it is served: `ws://127.0.0.1:<port>`."""
        self._changed = asyncio.Condition()

    # -- what a vendor's stand-in says

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        """The status and body of a refusal; None lets the client in."""
        return None

    async def talk(self, session: Session) -> None:
        """Speak with one client, by `messages(session)`, until it leaves."""
        raise NotImplementedError

    async def messages(self, session: Session) -> AsyncIterator[str | bytes]:
        """What the client says, noted in `Session.received`; ends when it leaves."""
        with suppress(ConnectionClosed):
            async for message in session.socket:
                session.received.append(message)
                await self.note()
                yield message

    # -- what a test asks

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        names = [Subprotocol(name) for name in self.subprotocols] or None
        async with serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._admit,
            compression=None,
            subprotocols=names,
            max_size=None,
        ) as server:
            host, port = next(iter(server.sockets)).getsockname()[:2]
            self.url = f"ws://{host}:{port}"
            yield self

    async def connected(self, count: int = 1) -> Session:
        """The connection of this number, waited for where it was not made yet."""
        await self.until(lambda: len(self.sessions) >= count)
        return self.sessions[count - 1]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at whenever anything came."""
        async with self._changed:
            await self._changed.wait_for(true)

    async def quiet(self) -> None:
        """Wait until all connections are closed."""
        await self.until(lambda: all(session.closed.is_set() for session in self.sessions))

    async def note(self) -> None:
        """Something has changed."""
        async with self._changed:
            self._changed.notify_all()

    def cut(self) -> None:
        """Drop all connections."""
        for session in self.sessions:
            session.drop()

    # -- serving

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuses is not None:
            return connection.respond(self.refuses, "")
        parts = urlsplit(request.path)
        refusal = self.admit(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), request.headers)
        return None if refusal is None else connection.respond(*refusal)

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        parts = urlsplit(socket.request.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in socket.request.headers.raw_items()}
        session = Session(socket, parts.path, query, headers)
        self.sessions.append(session)
        await self.note()
        try:
            if self.begins is not None:
                await self.begins.wait()
            await self.talk(session)
        finally:
            session.closed.set()
            await self.note()
