"""An engine as Twilio and Telnyx see it, and parties for the calls."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect

from getpatter.carriers.base import WebhookRequest
from getpatter.testing.answer_document import connect
from getpatter.testing.parties import Directory, Party, parse_party

OURS = "+12025550199"
PERSON = "+12025550150"
BUSY = "+12025550151"
NOBODY = "+12025550152"
MACHINE = "+12025550153"
WAITING = "+12025550154"
FOREVER = "+12025550155"
PRESSES = "+12025550156"
MENU = "+12025550157"
TAKES = "+12025550158"


def party(number: str, rest: str, ring_s: float = 0.01) -> Party:
    return parse_party(f'number: "{number}"\nname: Sam\nring_s: {ring_s}\n{rest}', source="test")


@pytest.fixture(scope="session")
def directory() -> Directory:
    return Directory(
        [
            party(PERSON, "steps: [{say: 'Hello?'}, {pause: 0.3}, hang_up]"),
            party(BUSY, "answers: busy"),
            party(NOBODY, "answers: no_answer"),
            party(MACHINE, "answers: voicemail\nsteps: [{say: 'Hello?'}, {beep: 0.1}, {pause: 1000}]"),
            party(WAITING, "steps: [{say: 'Hello?'}, {pause: 1000}]"),
            party(FOREVER, "rings: 100", ring_s=60),
            party(PRESSES, "steps: [{press: '12#', gap_s: 0.02}, {pause: 0.3}, hang_up]"),
            party(TAKES, "steps: [{press: '5', once_asked: true}, {pause: 1000}]"),
            party(MENU, "steps: [{wait_for_digits: {'7': [hang_up]}, longest_s: 1000}]"),
        ]
    )


@dataclass
class MediaLine:
    """One media stream: what came is in `frames`, as text."""

    socket: WebSocket
    headers: dict[str, str]
    frames: list[str] = field(default_factory=list)

    async def until(self, event: str) -> None:
        """Take frames until one has this event, or the stream is over."""
        mark = f'"event":"{event}"'
        while mark not in (frame := await self.take()) and frame:
            pass

    async def take(self) -> str:
        """The next frame, nothing at the end."""
        try:
            self.frames.append(await self.socket.receive_text())
        except WebSocketDisconnect:
            return ""
        return self.frames[-1]

    async def to_the_end(self) -> None:
        while await self.take():
            pass


Talk = Callable[[MediaLine], Awaitable[None]]


@dataclass
class MediaEngine:
    """Where webhooks and media streams arrive.  `answers` has the documents by the last part of the path."""

    base: str = ""
    talk: Talk = MediaLine.to_the_end
    answers: dict[str, bytes] = field(default_factory=dict)
    webhooks: list[WebhookRequest] = field(default_factory=list)
    lines: list[MediaLine] = field(default_factory=list)
    refuses: bool = False
    """It takes no stream."""
    on_webhook: Callable[[WebhookRequest], Awaitable[bytes | None]] | None = None
    """May give the document that answers it."""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def stream_url(self) -> str:
        return self.base.replace("http", "ws", 1) + "/stream"

    def forms(self, kind: str) -> list[dict[str, str]]:
        return [dict(parse_qsl(w.body.decode())) for w in self.webhooks if w.url == f"{self.base}/{kind}"]

    def statuses(self) -> list[str]:
        return [form["CallStatus"] for form in self.forms("status")]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what arrived makes the condition true."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(condition)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.api_route("/{kind:path}", methods=["GET", "POST"])
        async def webhook(kind: str, request: Request) -> Response:
            url = f"{self.base}/{kind}" + (f"?{request.url.query}" if request.url.query else "")
            received = WebhookRequest(request.method, url, dict(request.headers), await request.body(), kind)
            self.webhooks.append(received)
            async with self._changed:
                self._changed.notify_all()
            document = await self.on_webhook(received) if self.on_webhook is not None else None
            if document is None:
                document = self.answers.get(kind, connect(self.stream_url, {"token": "t"}) if kind == "voice" else b"")
            return Response(document, media_type="text/xml")

        @app.websocket("/stream")
        async def stream(socket: WebSocket) -> None:
            if self.refuses:
                return await socket.close()
            await socket.accept()
            line = MediaLine(socket, dict(socket.headers))
            self.lines.append(line)
            await self.talk(line)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await socket.close()
            return None

        return app


@pytest.fixture
async def engine() -> AsyncIterator[MediaEngine]:
    engine = MediaEngine()
    config = uvicorn.Config(engine.app(), log_config=None, lifespan="off", ws="websockets-sansio")
    server = uvicorn.Server(config)
    # A listening socket takes connections before the server is up, so nothing has to wait for it.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        engine.base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield engine
        server.should_exit = True
        await serving


async def over(call: Any) -> None:
    """The call and its callbacks are done with."""
    async with asyncio.timeout(60):
        await call.ended.wait()
