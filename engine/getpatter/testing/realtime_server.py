"""A server that speaks OpenAI's realtime protocol and says what it was told to say.

It stands in for a speech-to-speech engine at the wire: a real WebSocket, events in the order and in the pieces in
which the API sends them, and complaints about what the API complains about.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from getpatter.clock import Clock, SystemClock, sleep
from getpatter.testing.realtime_session import Json, RealtimeSession, Spoken
from getpatter.testing.vendors.seen import Seen


class RealtimeServer:
    """Gives `answers` in order, the last one again and again; `heard` is what is understood at each commit.

    `sessions` holds what came over each connection.  Without `key` and `model` any is taken.  Sound comes `pace` times
    as fast as it is heard; 0 is as fast as it can be sent.
    """

    def __init__(
        self,
        *answers: Spoken,
        heard: tuple[str, ...] = (),
        key: str = "",
        model: str = "",
        pace: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        self._answers = deque(answers or (Spoken("Hello."),))
        self._heard = deque(heard)
        self._key = key
        self._model = model
        self._pace = pace
        self._clock = clock or SystemClock()
        self.sessions: list[RealtimeSession] = []
        self.refuses: HTTPStatus | None = None
        """Set it, and no connection is taken any more."""
        self.begins: asyncio.Event | None = None
        """A session begins only once it is set."""
        self.forgets = 0
        """Of so many commits it is never told what was understood."""
        self.is_beta = False
        """Set it, and the API is that of before its general availability."""
        self.url = ""
        """While it is served."""
        self._changed = asyncio.Condition()
        self._sockets: dict[ServerConnection, RealtimeSession] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Serve on a free loopback port."""
        async with serve(self._talk, "127.0.0.1", 0, process_request=self._admit, compression=None) as server:
            host, port = next(iter(server.sockets)).getsockname()[:2]
            self.url = f"ws://{host}:{port}/v1/realtime"
            yield self

    async def received(self, kind: str, count: int = 1, *, session: int = 0) -> Json:
        """The message of this type and number that came in a session, waited for where it did not come yet."""
        await self.until(lambda: len(self.sessions) > session and len(self.sessions[session].of(kind)) >= count)
        return self.sessions[session].of(kind)[count - 1]

    async def connected(self, count: int = 1) -> RealtimeSession:
        """The session of this number, waited for where it was not begun yet."""
        await self.until(lambda: len(self.sessions) >= count)
        return self.sessions[count - 1]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at whenever anything came."""
        async with self._changed:
            await self._changed.wait_for(true)

    async def quiet(self) -> None:
        """Wait until all connections are closed."""
        await self.until(lambda: not self._sockets)

    async def complain(self, code: str, words: str) -> None:
        """To every client, e.g. `session_expired` after an hour, whereupon the connection is closed."""
        for socket, session in self._sockets.items():
            await _send(socket, session.complain(code, words))

    async def remark(self) -> None:
        """Tell every client what it need not know."""
        for socket, session in self._sockets.items():
            await _send(socket, session.remark())

    def seen(self, number: int = 0) -> Seen:
        """See `contracts.engine_stand.EngineServer`."""
        session = self.sessions[number]
        items = list(session.items.values())
        return Seen(
            session.session["instructions"],
            tuple(tool["name"] for tool in session.session["tools"]),
            tuple((item["call_id"], item["output"]) for item in items if "output" in item),
            tuple(part["text"] for item in items for part in item.get("content", ()) if "text" in part),
        )

    def cut(self) -> None:
        """Drop all connections, without a word."""
        for socket in list(self._sockets):
            socket.transport.abort()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuses is not None:
            return connection.respond(self.refuses, "")
        if self._key and request.headers.get("Authorization") != f"Bearer {self._key}":
            return connection.respond(HTTPStatus.UNAUTHORIZED, "")
        model = parse_qs(urlsplit(request.path).query).get("model", [""])[0]
        if self._model and model != self._model:
            return connection.respond(HTTPStatus.NOT_FOUND, "")
        return None

    async def _talk(self, socket: ServerConnection) -> None:
        session = RealtimeSession(self._answer, self._understand)
        async with self._changed:
            self.sessions.append(session)
            self._changed.notify_all()
        self._sockets[socket] = session
        speaking: asyncio.Task[None] | None = None
        if self.begins is not None:
            await self.begins.wait()
        try:
            await _send(socket, session.begin_as_beta() if self.is_beta else session.begin())
            async for data in socket:
                events = session.receive(json.loads(data))
                async with self._changed:
                    self._changed.notify_all()
                await _send(socket, events)
                if session.to_speak is not None:
                    speaking = asyncio.create_task(self._speak(socket, session, session.take_up()))
        except ConnectionClosed:
            pass
        finally:
            async with self._changed:
                self._sockets.pop(socket)
                self._changed.notify_all()
            if speaking is not None:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)

    async def _speak(self, socket: ServerConnection, session: RealtimeSession, spoken: Spoken) -> None:
        with suppress(ConnectionClosed):
            for number, (seconds, events) in enumerate(session.speak(spoken)):
                if number == spoken.drop_after:
                    socket.transport.abort()
                    return
                if number == spoken.stall_after:
                    return
                await _send(socket, events)
                if self._pace and seconds:
                    await sleep(self._clock, seconds / self._pace)
                else:
                    await asyncio.sleep(0)  # a cancellation may come in between

    def _answer(self) -> Spoken:
        return self._answers.popleft() if len(self._answers) > 1 else self._answers[0]

    def _understand(self) -> str | None:
        if self.forgets:
            self.forgets -= 1
            return None
        return self._heard.popleft() if self._heard else ""


async def _send(socket: ServerConnection, events: list[Json]) -> None:
    for event in events:
        await socket.send(json.dumps(event))
