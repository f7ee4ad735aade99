from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect

from getpatter.audio.vad import VoiceActivity, VoiceActivityModel, VoiceStream
from getpatter.carriers.base import (
    AudioReceived,
    DialRequest,
    DtmfReceived,
    MarkPlayed,
    StreamStarted,
    StreamStopped,
    StreamTarget,
    WebhookRequest,
)
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.testing import answer_document
from getpatter.testing.clips import load_clip


class InstantListener:
    """The real voice activity detection, judged in the very moment: for simulated time."""

    def __init__(self) -> None:
        self._activity = VoiceActivity(VoiceActivityModel())

    def open(self, on_probability: Callable[[float], None]) -> InstantVoice:
        return InstantVoice(self._activity, self._activity.open(on_probability))


class InstantVoice:
    def __init__(self, activity: VoiceActivity, stream: VoiceStream) -> None:
        self._activity = activity
        self._stream = stream

    def feed(self, ulaw: bytes) -> None:
        self._stream.feed(ulaw)
        while (batch := self._activity.collect()) is not None:
            self._activity.deliver(batch, self._activity.run(batch))

    def reset(self) -> None:
        self._stream.reset()

    def close(self) -> None:
        self._stream.close()


@pytest.fixture(scope="session")
def listener() -> InstantListener:
    return InstantListener()


@pytest.fixture
def agent_speech() -> bytes:
    """Two and a half seconds of clear speech."""
    clip = load_clip("rms", "That sounds good. Please go on.")
    assert clip is not None
    return clip


class MediaAgent(Protocol):
    async def __call__(self, line: AgentLine) -> None: ...


@dataclass
class AgentLine:
    """The engine's end of one media stream."""

    socket: WebSocket
    codec: TwilioMediaCodec = field(default_factory=TwilioMediaCodec)
    started: StreamStarted | None = None
    heard: bytearray = field(default_factory=bytearray)
    keys: str = ""
    stopped: bool = False
    closed: bool = False

    async def until(self, condition: Callable[[], bool]) -> None:
        """Take messages until the condition holds or the stream is over."""
        while not condition() and not self.closed:
            await self._take_one()

    async def hear(self, seconds: float) -> None:
        enough = len(self.heard) + seconds * 8000
        await self.until(lambda: len(self.heard) >= enough)

    async def say(self, ulaw: bytes) -> None:
        """Send speech and wait until it was played."""
        await self.send(self.codec.play(ulaw))
        await self.send(self.codec.mark("said"))
        played: list[str] = []
        while "said" not in played and not self.closed:
            played += await self._take_one()

    async def send(self, message: bytes) -> None:
        await self.socket.send_text(message.decode())

    async def to_the_end(self) -> None:
        await self.until(lambda: False)

    async def _take_one(self) -> list[str]:
        try:
            event = self.codec.decode(await self.socket.receive_text())
        except WebSocketDisconnect:
            self.closed = True
            return []
        match event:
            case StreamStarted():
                self.started = event
            case AudioReceived(payload):
                self.heard += payload
            case DtmfReceived(digit):
                self.keys += digit
            case StreamStopped():
                self.stopped = True
            case MarkPlayed(name):
                return [name]
        return []


@dataclass
class FakeEngine:
    """An engine's carrier listener: webhooks are noted, media streams given to `agent`."""

    base: str = ""
    document: bytes = b""
    """What a ringing call is answered with; empty connects it to our stream."""
    voice_status: int = 200
    voice_delay: asyncio.Event | None = None
    """The voice webhook is not answered before this."""
    ringing: asyncio.Event = field(default_factory=asyncio.Event)
    """The voice webhook was called."""
    webhooks: list[WebhookRequest] = field(default_factory=list)
    lines: list[AgentLine] = field(default_factory=list)
    agent: MediaAgent | None = None
    accept: bool = True
    upgrade_headers: dict[str, str] = field(default_factory=dict)

    def fields(self, kind: str) -> list[dict[str, str]]:
        """The forms that came to `/<kind>`, in the order of their coming."""
        return [dict(parse_qsl(w.body.decode())) for w in self.webhooks if w.url.endswith(f"/{kind}")]

    @property
    def statuses(self) -> list[str]:
        return [form["CallStatus"] for form in self.fields("status")]

    def dial_request(self, number: str, **changes: Any) -> DialRequest:
        request = DialRequest(
            call_id="c1",
            to_number=number,
            from_number="+12025550199",
            stream=StreamTarget(self.stream_url, {"token": "t & t"}),
            webhooks_url=self.base,
        )
        return dataclasses.replace(request, **changes)

    @property
    def stream_url(self) -> str:
        return self.base.replace("http", "ws", 1) + "/stream"

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/{kind}")
        async def webhook(kind: str, request: Request) -> Response:
            body = await request.body()
            self.webhooks.append(WebhookRequest("POST", f"{self.base}/{kind}", dict(request.headers), body))
            if kind != "voice":
                return Response()
            self.ringing.set()
            if self.voice_delay:
                await self.voice_delay.wait()
            document = self.document or answer_document.connect(self.stream_url, {"token": "t & t"})
            return Response(document, self.voice_status, media_type=answer_document.CONTENT_TYPE)

        @app.websocket("/stream")
        async def stream(socket: WebSocket) -> None:
            self.upgrade_headers = dict(socket.headers)
            if not self.accept:
                await socket.close()
                return
            await socket.accept()
            line = AgentLine(socket)
            await line.until(lambda: line.started is not None)
            self.lines.append(line)
            await (self.agent or AgentLine.to_the_end)(line)
            if not line.closed:
                with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                    await socket.close()

        return app


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    fake = FakeEngine()
    config = uvicorn.Config(fake.app(), log_config=None, lifespan="off", ws="websockets-sansio")
    server = uvicorn.Server(config)
    # A listening socket takes connections before the server is up, so nothing has to wait for it.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fake.base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield fake
        server.should_exit = True
        await serving
