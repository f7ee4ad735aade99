"""What a WebSocket server costs a message: picows, ours in uvicorn, and uvicorn's own under starlette.

    .venv/bin/python bench/media_servers.py [--connections 100] [--seconds 6] [--rounds 3]

The server is a process of its own on one core and sends every message back; this process, on another core, sends
Twilio's 20 ms media messages at a telephone's pace, 50 a second on each connection, evenly spread.  The figure is the
server process's CPU time, in user and kernel, for one message in and one out.  All run on uvloop.  Rounds alternate
between the servers, and the middle one counts.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import multiprocessing as mp
import os
import socket
import statistics
import time
from collections.abc import Callable, Coroutine
from functools import partial
from multiprocessing.connection import Connection
from typing import cast

import machine
import uvloop

from getpatter.beat import Beat
from getpatter.calls.media import MediaSocket
from getpatter.clock import SystemClock
from getpatter.server.frames import unmask_in_python
from getpatter.server.media_socket import MediaUpgrade, media_protocol
from getpatter.server.sweep import Sweep
from getpatter.testing.twilio_line import TwilioLineCodec

FRAME_S = 0.02
WARM_UP_S = 1.0
MESSAGE = TwilioLineCodec("MZ" + "0" * 32, "CA" + "0" * 32).media(bytes(range(160)))

Row = tuple[str, float, str]
Serve = Callable[[socket.socket], Coroutine[object, object, None]]


# -- the servers ------------------------------------------------------------------------------------------------


async def serve_picows(listener: socket.socket) -> None:
    import picows

    class Echo(picows.WSListener):
        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            if frame.msg_type == picows.WSMsgType.TEXT:
                transport.send(picows.WSMsgType.TEXT, frame.get_payload_as_bytes())

    server = await picows.ws_create_server(lambda _: Echo(), sock=listener)
    await server.serve_forever()


class EchoSink:
    def __init__(self, media_socket: MediaSocket) -> None:
        self._socket = media_socket

    def on_message(self, message: bytes) -> None:
        self._socket.send(message)

    def on_closed(self, code: int) -> None:
        pass


def _accept(_: MediaUpgrade, media_socket: MediaSocket) -> EchoSink:
    return EchoSink(media_socket)


async def serve_ours(listener: socket.socket) -> None:
    await _uvicorn(listener, media_protocol(_accept))


async def serve_ours_by_the_beat(listener: socket.socket) -> None:
    await _uvicorn(listener, media_protocol(_accept, sweep=Sweep(Beat(SystemClock()))))


async def serve_sansio(listener: socket.socket) -> None:
    await _uvicorn(listener, "websockets-sansio")


async def _uvicorn(listener: socket.socket, ws: type[asyncio.Protocol] | str) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnect:
            pass

    app = Starlette(routes=[WebSocketRoute("/media", echo)])
    await uvicorn.Server(uvicorn.Config(app, ws=ws, http="httptools", log_level="error")).serve([listener])


OURS = "ours, read by the beat"
SERVERS: dict[str, Serve] = {
    "picows, on a port of its own": serve_picows,
    OURS: serve_ours_by_the_beat,
    "ours, woken by each message": serve_ours,
    "uvicorn websockets-sansio, starlette": serve_sansio,
}


def _server_process(name: str, core: int, port: Connection) -> None:
    machine.pin(core)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    listener.setblocking(False)
    port.send(listener.getsockname()[1])
    uvloop.run(SERVERS[name](listener))


# -- the callers ------------------------------------------------------------------------------------------------


class Caller(asyncio.Protocol):
    """A carrier's end that counts what comes back and keeps nothing."""

    def __init__(self) -> None:
        self.received = 0
        self.opened = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            b"GET /media HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n" % key.encode()
        )

    def data_received(self, data: bytes) -> None:
        if self.opened.done():
            self.received += len(data)
        elif b" 101 " in data:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(ConnectionError(data.decode("latin-1")))


async def _call(port: int, connections: int, seconds: float, server_cpu: Callable[[], float]) -> float:
    """Seconds of the server's CPU for a message in and out."""
    loop = asyncio.get_running_loop()
    callers = [(await loop.create_connection(Caller, "127.0.0.1", port))[1] for _ in range(connections)]
    async with asyncio.timeout(10):
        await asyncio.gather(*(caller.opened for caller in callers))
    mask = os.urandom(4)
    frame = b"\x81\xfe" + len(MESSAGE).to_bytes(2, "big") + mask + unmask_in_python(MESSAGE, mask)
    echo_bytes = len(MESSAGE) + 4

    async def talk(seconds: float) -> int:
        """Send at the pace of telephones and wait until all came back; returns how many."""
        before = sum(caller.received for caller in callers)
        began, sent = time.monotonic(), 0
        while (elapsed := time.monotonic() - began) < seconds:
            due = int(elapsed / FRAME_S * connections)
            for number in range(sent, due):
                callers[number % connections].transport.write(frame)
            sent = due
            await asyncio.sleep(FRAME_S / connections)
        async with asyncio.timeout(10):
            # Polled, so that the callers' reads do no more than count.
            while sum(caller.received for caller in callers) - before < sent * echo_bytes:  # noqa: ASYNC110
                await asyncio.sleep(FRAME_S)
        return sent

    await talk(WARM_UP_S)
    cpu = server_cpu()
    sent = await talk(seconds)
    cpu = server_cpu() - cpu
    for caller in callers:
        caller.transport.abort()
    return cpu / sent


def measure(name: str, connections: int = 100, seconds: float = 6.0) -> float:
    """Microseconds of the server's CPU for one message in and one out."""
    cores = machine.cores()
    ours, theirs = mp.Pipe()
    process = mp.get_context("spawn").Process(target=_server_process, args=(name, cores[0], theirs), daemon=True)
    process.start()
    theirs.close()  # so that we are told when the server ends instead of its port
    try:
        machine.pin(cores[-1])
        assert process.pid is not None
        server_cpu = partial(machine.process_cpu_s, process.pid)
        return uvloop.run(_call(ours.recv(), connections, seconds, server_cpu)) * 1e6
    finally:
        machine.pin(*cores)
        process.kill()
        process.join()


def measured(connections: int = 100, seconds: float = 6.0, rounds: int = 3) -> dict[str, list[float]]:
    """The figures of all rounds, which alternate between the servers."""
    results: dict[str, list[float]] = {name: [] for name in SERVERS}
    for _ in range(rounds):
        for name, figures in results.items():
            figures.append(measure(name, connections, seconds))
    return results


def rows(connections: int = 100, seconds: float = 6.0, rounds: int = 3) -> list[Row]:
    """(what, value, unit); the middle one of the rounds."""
    import picows  # noqa: F401  # said here where it is missing, and not by a server that does not start

    results = measured(connections, seconds, rounds)
    return [(f"media server: {name}", statistics.median(figures), "us/message") for name, figures in results.items()]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--connections", type=int, default=100)
    options.add_argument("--seconds", type=float, default=6.0)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    results = measured(chosen.connections, chosen.seconds, chosen.rounds)
    print(f"{chosen.connections} connections, 50 messages of {len(MESSAGE)} bytes a second each, and as many back")
    print(f"{'server':<38}{'µs/message':>11}{'least':>8}{'most':>8}")
    for name, figures in results.items():
        print(f"{name:<38}{statistics.median(figures):>11.1f}{min(figures):>8.1f}{max(figures):>8.1f}")


if __name__ == "__main__":
    main()
