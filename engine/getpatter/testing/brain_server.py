"""A brain elsewhere: a server that `RemoteLLM` asks by HTTP or WebSocket, and that says what it was told to say.

It verifies what it is asked, and signs what it answers unless it is told to cheat.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as Handshake
from websockets.http11 import Response as Refusal

from getpatter.clock import Clock, SystemClock
from getpatter.connections.standard_webhooks import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    SigningSecret,
    is_timely,
)
from getpatter.testing.http import served

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signed:
    """A message and what its signature says, before it goes out."""

    id: str
    timestamp: int
    signature: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainAnswer:
    """`messages` of one answer, as `llm.remote_wire` describes them; the end of it is added."""

    messages: tuple[Json, ...] = ({"text": "Hello."},)
    streams: bool = True
    """By HTTP: an event stream; else the first message is a JSON answer.  A WebSocket always streams."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    signs: bool = True
    forge: Callable[[Signed], Signed] | None = None
    """Changes what was signed."""
    ends: bool = True
    """Say that the answer is done."""
    stalls: asyncio.Event | None = None
    """Say nothing after the messages until this is set, and then end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it came; `connection` numbers the sockets."""

    question: Json
    headers: Mapping[str, str]
    connection: int
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the engine does not wait for the rest of the answer any more."""


class BrainServer:
    """Gives `answers` in order, the last one again and again.  `asked` holds what came."""

    def __init__(self, *answers: BrainAnswer, secret: str = "", clock: Clock | None = None) -> None:
        self._answers = answers or (BrainAnswer(),)
        self._secret = SigningSecret(secret) if secret else None
        self._clock = clock or SystemClock()
        self._seen: set[str] = set()
        self._arrival = asyncio.Condition()
        self._sockets: set[ServerConnection] = set()
        self.asked: list[Asked] = []
        self.connections = 0
        """WebSockets that were opened."""
        self.url = self.socket_url = ""
        """While it is served: for questions by HTTP and by WebSocket."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Serve on free loopback ports."""
        app = Starlette(routes=[Route("/answer", self._answer, methods=["POST"])])
        async with AsyncExitStack() as stack:
            self.url = f"{await stack.enter_async_context(served(app))}/answer"
            sockets = serve(self._talk, "127.0.0.1", 0, process_request=self._admit, compression=None)
            server = await stack.enter_async_context(sockets)
            host, port = next(iter(server.sockets)).getsockname()[:2]
            self.socket_url = f"ws://{host}:{port}/calls"
            yield self

    async def question(self, number: int = 0) -> Asked:
        """The question of this number, waited for where it did not come yet."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.asked) > number)
        return self.asked[number]

    async def cut(self) -> None:
        """Close all sockets."""
        for socket in list(self._sockets):
            await socket.close(1011, "restarting")

    # -- HTTP

    async def _answer(self, request: Request) -> Response:
        body, headers = await request.body(), request.headers
        if not self._verified(headers, body):
            return JSONResponse({"error": "wrong signature"}, 401)
        question_id = headers.get(ID_HEADER, "")
        asked, answer = await self._take(Asked(json.loads(body), dict(headers), 0))
        if answer.status != 200:
            return JSONResponse({"error": "not today"}, answer.status, dict(answer.headers))
        if answer.streams:
            frames = self._events(question_id, answer, asked)
            return StreamingResponse(frames, media_type="text/event-stream", headers=dict(answer.headers))
        payload = json.dumps(answer.messages[0]).encode()
        signed = self._sign(question_id, 1, payload, answer)
        return Response(
            payload if signed is None else signed.payload,
            media_type="application/json",
            headers={**({} if signed is None else _headers(signed)), **answer.headers},
        )

    async def _events(self, question_id: str, answer: BrainAnswer, asked: Asked) -> AsyncIterator[bytes]:
        async for frame in self._frames(question_id, answer, asked):
            yield b"data: " + frame + b"\n\n"

    # -- WebSocket

    def _admit(self, connection: ServerConnection, handshake: Handshake) -> Refusal | None:
        if self._verified(handshake.headers, b""):
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "wrong signature")

    async def _talk(self, socket: ServerConnection) -> None:
        self.connections += 1
        number = self.connections
        self._sockets.add(socket)
        under_way: dict[str, tuple[Asked, asyncio.Task[None]]] = {}
        try:
            async for frame in socket:
                message = self._opened(json.loads(frame))
                if message is None:
                    await socket.close(1008, "wrong signature")
                elif "cancel" in message:
                    asked, task = under_way.pop(message["cancel"])
                    task.cancel()
                    asked.left.set()
                else:
                    asked, answer = await self._take(Asked(message, {}, number))
                    task = asyncio.create_task(self._speak(socket, message["id"], answer, asked))
                    under_way[message["id"]] = (asked, task)
        finally:
            self._sockets.discard(socket)
            tasks = [task for _, task in under_way.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _speak(self, socket: ServerConnection, question_id: str, answer: BrainAnswer, asked: Asked) -> None:
        with suppress(ConnectionClosed):
            async for frame in self._frames(question_id, answer, asked):
                await socket.send(frame.decode())

    # -- both

    async def _take(self, asked: Asked) -> tuple[Asked, BrainAnswer]:
        async with self._arrival:
            self.asked.append(asked)
            self._arrival.notify_all()
        return asked, self._answers[min(len(self.asked), len(self._answers)) - 1]

    async def _frames(self, question_id: str, answer: BrainAnswer, asked: Asked) -> AsyncIterator[bytes]:
        try:
            number = 0
            for number, message in enumerate(answer.messages, 1):
                yield self._frame(question_id, number, message, answer)
            if answer.stalls is not None:
                await answer.stalls.wait()
            if answer.ends:
                yield self._frame(question_id, number + 1, {"done": True}, answer)
        except asyncio.CancelledError:
            asked.left.set()
            raise

    def _frame(self, question_id: str, number: int, message: Json, answer: BrainAnswer) -> bytes:
        payload = json.dumps({"reply": question_id, **message}).encode()
        signed = self._sign(question_id, number, payload, answer)
        if signed is None:
            return payload
        envelope = {"id": signed.id, "timestamp": signed.timestamp, "signature": signed.signature}
        return json.dumps({**envelope, "payload": signed.payload.decode()}).encode()

    def _sign(self, question_id: str, number: int, payload: bytes, answer: BrainAnswer) -> Signed | None:
        if self._secret is None or not answer.signs:
            return None
        message_id, timestamp = f"{question_id}.{number}", int(self._clock.wall())
        signed = Signed(message_id, timestamp, self._secret.signature(message_id, timestamp, payload), payload)
        return signed if answer.forge is None else answer.forge(signed)

    def _opened(self, frame: Json) -> Json | None:
        """What a message says; None where it is not signed as it should be."""
        if self._secret is None:
            return frame
        try:
            payload = frame["payload"].encode()
            headers = {
                ID_HEADER: frame["id"],
                TIMESTAMP_HEADER: str(frame["timestamp"]),
                SIGNATURE_HEADER: frame["signature"],
            }
        except KeyError:
            return None
        opened: Json = json.loads(payload)
        return opened if self._verified(headers, payload) else None

    def _verified(self, headers: Mapping[str, str], body: bytes) -> bool:
        if self._secret is None:
            return True
        message_id, timestamp = headers.get(ID_HEADER, ""), int(headers.get(TIMESTAMP_HEADER, "0"))
        fresh = message_id not in self._seen
        self._seen.add(message_id)
        signed = self._secret.signed(message_id, timestamp, body, headers.get(SIGNATURE_HEADER, ""))
        return fresh and signed and is_timely(timestamp, self._clock.wall())


def _headers(signed: Signed) -> dict[str, str]:
    return {
        ID_HEADER: signed.id,
        TIMESTAMP_HEADER: str(signed.timestamp),
        SIGNATURE_HEADER: signed.signature,
    }
