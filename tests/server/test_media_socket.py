from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx
import picows
import pytest
import uvicorn
import uvloop
import websockets
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from getpatter.beat import Beat
from getpatter.calls.media import MediaSink, MediaSocket
from getpatter.clock import SystemClock
from getpatter.errors import PatterError
from getpatter.server.media_socket import (
    CLOSE_TIMEOUT_S,
    MAX_UNSENT_BYTES,
    MediaConnection,
    MediaUpgrade,
    Refusal,
    media_protocol,
)
from getpatter.server.sweep import Sweep
from getpatter.testing.clock import ManualClock

HEAD = (
    b"GET /media?call=7 HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Sink:
    """Keeps what it is told; `on` is called with each message."""

    def __init__(self, media_socket: MediaSocket, on: Callable[[MediaSocket, bytes], None] | None = None) -> None:
        self.socket = media_socket
        self.messages: list[bytes] = []
        self.closed: list[int] = []
        self.gone = asyncio.Event()
        self._on = on

    def on_message(self, message: bytes) -> None:
        self.messages.append(message)
        if self._on is not None:
            self._on(self.socket, message)

    def on_closed(self, code: int) -> None:
        self.closed.append(code)
        self.gone.set()


def echo(media_socket: MediaSocket, message: bytes) -> None:
    media_socket.send(message)


def frame(opcode: Opcode, payload: bytes = b"") -> bytes:
    return Frame(opcode, payload).serialize(mask=True)


# -- one connection, without a network --------------------------------------------------------------------------


class Wire(asyncio.Transport):
    """What a connection wrote and did to its transport."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 4711)})
        self.written = b""
        self.ended = self.closed = self.aborted = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class Line:
    """A connection on a `Wire`, opened, with its answer to the handshake taken away."""

    def __init__(self, on: Callable[[MediaSocket, bytes], None] | None = None) -> None:
        self.clock = ManualClock()
        self.wire = Wire()
        self.connections: set[Any] = set()
        self.sinks: list[Sink] = []

        def accept(upgrade: MediaUpgrade, media_socket: MediaSocket) -> Sink:
            self.sinks.append(Sink(media_socket, on))
            return self.sinks[0]

        self.connection = MediaConnection(accept, self.connections, self.clock)
        self.connection.connection_made(self.wire)
        self.connection.data_received(HEAD)
        [self.sink] = self.sinks
        assert self.wire.written.startswith(b"HTTP/1.1 101 ")
        self.wire.written = b""

    def receive(self, *frames: bytes) -> bytes:
        """What is written in answer to `frames`, which come in one read."""
        before = len(self.wire.written)
        self.connection.data_received(b"".join(frames))
        return self.wire.written[before:]


def test_several_messages_in_one_read_come_in_order() -> None:
    line = Line(echo)
    assert line.receive(frame(Opcode.TEXT, b"a"), frame(Opcode.TEXT, b"b")) == b"\x81\x01a\x81\x01b"
    assert line.sink.messages == [b"a", b"b"]


def test_a_ping_is_answered_between_messages() -> None:
    line = Line(echo)
    answer = line.receive(frame(Opcode.TEXT, b"a"), frame(Opcode.PING, b"?"), frame(Opcode.PONG), frame(Opcode.TEXT))
    assert answer == b"\x81\x01a\x8a\x01?\x81\x00"


def test_the_peer_closes() -> None:
    line = Line()
    assert line.receive(frame(Opcode.CLOSE, b"\x0f\xa0bye")) == b"\x88\x02\x0f\xa0"
    assert line.wire.closed
    assert line.sink.closed == []
    line.connection.connection_lost(None)
    assert line.sink.closed == [4000]
    assert line.connections == set()


def test_a_close_without_a_code_is_answered_alike() -> None:
    line = Line()
    assert line.receive(frame(Opcode.CLOSE)) == b"\x88\x00"
    line.connection.connection_lost(None)
    assert line.sink.closed == [1005]


def test_a_dropped_connection_is_reported_as_one() -> None:
    line = Line()
    line.connection.connection_lost(ConnectionResetError())
    assert line.sink.closed == [1006]


def test_we_close_and_the_peer_answers() -> None:
    line = Line()
    line.sink.socket.close(1000, "done")
    assert line.wire.written == b"\x88\x06\x03\xe8done"
    assert not line.wire.closed
    assert line.receive(frame(Opcode.CLOSE, b"\x03\xe8")) == b""
    assert line.wire.closed
    line.connection.connection_lost(None)
    assert line.sink.closed == [1000]
    assert line.clock.next_timer is None


def test_we_close_and_the_peer_does_not_answer() -> None:
    line = Line()
    line.sink.socket.close()
    line.clock.advance(CLOSE_TIMEOUT_S - 0.1)
    assert not line.wire.aborted
    line.clock.advance(0.2)
    assert line.wire.aborted


def test_nothing_is_sent_or_delivered_once_we_closed() -> None:
    line = Line(lambda media_socket, message: media_socket.close(1008))
    written = line.receive(frame(Opcode.TEXT, b"a"), frame(Opcode.TEXT, b"b"), frame(Opcode.PING))
    assert written == b"\x88\x02\x03\xf0"
    line.sink.socket.send(b"late")
    line.sink.socket.close(1000)
    assert line.wire.written == written
    assert line.sink.messages == [b"a"]


def test_a_violation_is_told_and_the_peer_is_left_to_hang_up() -> None:
    line = Line()
    answer = line.receive(frame(Opcode.TEXT, b"a"), frame(Opcode.BINARY, b"b"))
    assert answer == b"\x88\x23\x03\xebonly text messages are taken here"
    assert line.sink.messages == [b"a"]
    assert line.wire.ended
    assert not line.wire.closed
    line.clock.advance(CLOSE_TIMEOUT_S)
    assert line.wire.aborted
    line.connection.connection_lost(None)
    assert line.sink.closed == [1003]


def test_a_violation_while_closing_ends_it() -> None:
    line = Line()
    line.sink.socket.close()
    assert line.receive(b"\x81\x00") == b""
    assert line.wire.closed


def test_a_peer_that_does_not_read_is_dropped() -> None:
    line = Line()
    assert line.wire.high == MAX_UNSENT_BYTES
    line.connection.pause_writing()
    assert line.wire.aborted
    line.sink.socket.send(b"late")
    assert line.wire.written == b""
    line.connection.connection_lost(None)
    assert line.sink.closed == [1008]


def test_the_peer_has_an_address_for_the_log() -> None:
    assert Line().sink.socket.peer == "192.0.2.1:4711"


@pytest.mark.parametrize(
    ("answer", "status"), [(Refusal(403, "Wrong token."), b"403 Forbidden"), (None, b"500 Internal Server Error")]
)
def test_a_socket_that_is_not_accepted_gets_an_http_answer(
    answer: Refusal | None, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    def accept(upgrade: MediaUpgrade, media_socket: MediaSocket) -> MediaSink | Refusal:
        if answer is None:
            raise PatterError("secret")
        return answer

    wire = Wire()
    connection = MediaConnection(accept, set(), ManualClock())
    connection.connection_made(wire)
    connection.data_received(HEAD)
    assert wire.written.startswith(b"HTTP/1.1 " + status)
    assert b"secret" not in wire.written
    assert wire.closed
    connection.data_received(HEAD)
    connection.connection_lost(None)
    assert wire.written.count(b"HTTP/1.1") == 1
    assert [record.levelno >= logging.ERROR for record in caplog.records] == ([True] if answer is None else [])


# -- the carrier listener: webhooks and media sockets on one port -----------------------------------------------


Run = Callable[[Coroutine[Any, Any, None]], None]
# The engine runs on uvloop, whose transports are its own.
on_both_loops = pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
read_both_ways = pytest.mark.parametrize("swept", [True, False])


class Listener:
    def __init__(self, port: int, server: uvicorn.Server) -> None:
        self.port = port
        self.server = server
        self.upgrades: list[MediaUpgrade] = []
        self.sinks: list[Sink] = []

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/media"


@asynccontextmanager
async def listening(on: Callable[[MediaSocket, bytes], None] = echo, *, swept: bool = True) -> AsyncIterator[Listener]:
    """A uvicorn server with a webhook and media sockets; those at `/closed` are refused."""
    sweep = Sweep(Beat(SystemClock())) if swept else None

    def accept(upgrade: MediaUpgrade, media_socket: MediaSocket) -> MediaSink | Refusal:
        listener.upgrades.append(upgrade)
        if upgrade.path == "/closed":
            return Refusal(403, "Wrong token.")
        listener.sinks.append(Sink(media_socket, on))
        return listener.sinks[-1]

    app = FastAPI()

    @app.post("/webhooks/voice")
    async def voice() -> dict[str, str]:
        return {"answer": "stream"}

    config = uvicorn.Config(
        app, ws=media_protocol(accept, sweep=sweep), http="httptools", lifespan="off", log_config=None
    )
    with socket.create_server(("127.0.0.1", 0)) as bound:
        listener = Listener(bound.getsockname()[1], uvicorn.Server(config))
        async with asyncio.timeout(30):
            serving = asyncio.create_task(listener.server.serve([bound]))
            try:
                yield listener
            finally:
                listener.server.should_exit = True
                await serving
                if sweep is not None:
                    sweep.close()


async def test_webhooks_and_sockets_share_a_port() -> None:
    async with listening() as listener, httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.port}") as http:
        async with websockets.connect(f"{listener.url}?call=7", additional_headers={"X-Twilio-Signature": "s"}) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"
            response = await http.post("/webhooks/voice")
            assert response.json() == {"answer": "stream"}
        [upgrade] = listener.upgrades
        assert (upgrade.path, upgrade.query, upgrade.headers["x-twilio-signature"]) == ("/media", "call=7", "s")
        assert upgrade.peer.startswith("127.0.0.1:")
        await listener.sinks[0].gone.wait()
        assert listener.sinks[0].closed == [1000]


async def test_another_client_speaks_with_it_at_any_length() -> None:
    async with listening() as listener, websockets.connect(listener.url) as ws:
        assert ws.response is not None
        assert "Sec-WebSocket-Extensions" not in ws.response.headers
        for size in (0, 1, 125, 126, 400, 65_535, 65_536):
            await ws.send("x" * size)
            assert await ws.recv() == "x" * size
        await ws.send(["frag", "men", "ted"])
        assert await ws.recv() == "fragmented"
        await (await ws.ping())


@on_both_loops
@read_both_ways
@pytest.mark.parametrize(("message", "code"), [("x" * 200_000, 1009), (b"binary", 1003)])
def test_another_client_is_told_why_it_is_closed(run: Run, swept: bool, message: str | bytes, code: int) -> None:
    async def scene() -> None:
        async with listening(swept=swept) as listener, websockets.connect(listener.url) as ws:
            await ws.send(message)
            with pytest.raises(ConnectionClosed) as raised:
                await ws.recv()
            assert raised.value.rcvd is not None
            assert raised.value.rcvd.code == code
            await listener.sinks[0].gone.wait()
            assert listener.sinks[0].closed == [code]

    run(scene())


async def test_another_client_is_refused() -> None:
    async with listening() as listener:
        with pytest.raises(InvalidStatus) as raised:
            await websockets.connect(f"ws://127.0.0.1:{listener.port}/closed")
        assert raised.value.response.status_code == 403
        assert raised.value.response.body == b"Wrong token."


async def test_picows_speaks_with_it() -> None:
    answers = asyncio.Queue[bytes]()

    class Client(picows.WSListener):
        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            if frame.msg_type == picows.WSMsgType.TEXT:
                answers.put_nowait(frame.get_payload_as_bytes())

    async with listening() as listener:
        transport, _ = await picows.ws_connect(Client, listener.url)
        for message in (b"", b"a" * 200, b"b" * 60_000):
            transport.send(picows.WSMsgType.TEXT, message)
            assert await answers.get() == message
        transport.send_close(picows.WSCloseCode.OK)
        await transport.wait_disconnected()
        await listener.sinks[0].gone.wait()
        assert listener.sinks[0].closed == [1000]


async def test_bytes_may_trickle_in() -> None:
    async with listening() as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(HEAD)
        await reader.readuntil(b"\r\n\r\n")
        for byte in frame(Opcode.TEXT, b"one by one"):
            writer.write(bytes([byte]))
            await writer.drain()
        assert await reader.readexactly(12) == b"\x81\x0aone by one"
        writer.close()
        await writer.wait_closed()
        await listener.sinks[0].gone.wait()
        assert listener.sinks[0].closed == [1006]


@on_both_loops
@read_both_ways
def test_a_peer_that_reads_nothing_is_dropped(run: Run, swept: bool) -> None:
    def flood(media_socket: MediaSocket, message: bytes) -> None:
        for _ in range(1000):
            media_socket.send(b"x" * 60_000)

    async def scene() -> None:
        async with listening(flood, swept=swept) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(HEAD)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(frame(Opcode.TEXT, b"go"))
            [sink] = listener.sinks
            await sink.gone.wait()
            assert sink.closed == [1008]
            writer.close()

    run(scene())


@on_both_loops
@read_both_ways
def test_messages_go_both_ways(run: Run, swept: bool) -> None:
    async def scene() -> None:
        async with listening(swept=swept) as listener, websockets.connect(listener.url) as ws:
            for number in range(100):
                await ws.send(str(number))
            assert [await ws.recv() for _ in range(100)] == [str(number) for number in range(100)]

    run(scene())


async def test_a_stopping_server_says_goodbye_to_its_sockets() -> None:
    async with listening() as listener, websockets.connect(listener.url) as ws:
        listener.server.should_exit = True
        with pytest.raises(ConnectionClosed) as raised:
            await ws.recv()
        assert raised.value.rcvd is not None
        assert raised.value.rcvd.code == 1001
        await listener.sinks[0].gone.wait()
        assert listener.sinks[0].closed == [1001]


async def test_a_sink_that_fails_loses_only_its_own_socket() -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))

    def fail(media_socket: MediaSocket, message: bytes) -> None:
        if message == b"bad":
            raise RuntimeError("a fault of ours")
        media_socket.send(message)

    async with listening(fail, swept=False) as listener, websockets.connect(listener.url) as other:
        async with websockets.connect(listener.url) as ws:
            await ws.send("bad")
            with pytest.raises(ConnectionClosed):
                await ws.recv()
        await listener.sinks[1].gone.wait()
        assert listener.sinks[1].closed == [1006]
        await other.send("good")
        assert await other.recv() == "good"
    assert [str(problem["exception"]) for problem in problems] == ["a fault of ours"]
