from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol, cast

import pytest
import uvloop

from getpatter.beat import BEAT_S, Beat
from getpatter.server.sweep import READ_BYTES, Sweep
from getpatter.testing.clock import ManualClock


class Run(Protocol):
    def __call__(self, scene: Coroutine[Any, Any, None]) -> None: ...


on_both_loops = pytest.mark.parametrize("run", [asyncio.run, uvloop.run])


class Connection(asyncio.Protocol):
    """Keeps what its transport reads by itself, and how it ends."""

    def __init__(self, sweep: Sweep) -> None:
        self.read: list[bytes] = []
        self.swept: list[bytes] = []
        self.fails = False
        self.lost = asyncio.Event()
        self._sweep = sweep

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.read.append(data)

    def on_data(self, data: bytes) -> None:
        self.swept.append(data)
        if self.fails:
            raise RuntimeError("a fault of ours")

    def connection_lost(self, exc: Exception | None) -> None:
        self._sweep.release(self.transport)
        self.lost.set()


class Room:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sweep = Sweep(Beat(self.clock))

    def beat(self) -> None:
        self.clock.advance(BEAT_S)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[Connection, socket.socket]]:
        """A connection that the sweep reads, and its peer's blocking socket."""
        ours, peer = socket.socketpair()
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self.sweep), sock=ours)
        assert self.sweep.take(connection.transport, connection.on_data)
        try:
            yield connection, peer
        finally:
            connection.transport.abort()
            async with asyncio.timeout(30):
                await connection.lost.wait()
            peer.close()


@contextmanager
def room() -> Iterator[Room]:
    place = Room()
    yield place
    place.sweep.close()
    assert place.clock.next_timer is None


@on_both_loops
def test_what_has_come_is_read_with_the_next_beat(run: Run) -> None:
    async def scene() -> None:
        with room() as here:
            async with here.connection() as (first, peer), here.connection() as (second, other):
                peer.sendall(b"one")
                other.sendall(b"two")
                for _ in range(5):
                    await asyncio.sleep(0)
                assert first.swept == []
                here.beat()
                assert (first.swept, second.swept) == ([b"one"], [b"two"])
                here.beat()
                peer.sendall(b"three")
                here.beat()
                assert first.swept == [b"one", b"three"]
                assert first.read == [], "the transport reads no more"

    run(scene())


@on_both_loops
def test_the_transport_goes_on_to_write(run: Run) -> None:
    async def scene() -> None:
        with room() as here:
            async with here.connection() as (connection, peer):
                connection.transport.write(b"hello")
                await asyncio.sleep(0)
                assert peer.recv(100) == b"hello"

    run(scene())


@on_both_loops
def test_a_peer_that_closes_ends_the_connection(run: Run) -> None:
    async def scene() -> None:
        with room() as here:
            async with here.connection() as (connection, peer):
                peer.sendall(b"bye")
                peer.close()
                for _ in range(3):
                    here.beat()
                async with asyncio.timeout(30):
                    await connection.lost.wait()
                assert connection.swept == [b"bye"]
                assert here.clock.next_timer is None, "nothing is left to read"

    run(scene())


@on_both_loops
def test_a_fault_costs_that_connection_alone(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        with room() as here:
            async with here.connection() as (first, peer), here.connection() as (second, other):
                first.fails = True
                peer.sendall(b"one")
                other.sendall(b"two")
                here.beat()
                async with asyncio.timeout(30):
                    await first.lost.wait()
                assert second.swept == [b"two"]
                assert not second.lost.is_set()

    run(scene())
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_one_that_was_released_within_the_beat_is_not_read() -> None:
    with room() as here:
        async with here.connection() as (first, peer), here.connection() as (second, other):
            heard: list[bytes] = []

            def end_both(data: bytes) -> None:
                heard.append(data)
                here.sweep.release(first.transport)
                here.sweep.release(second.transport)

            for connection in (first, second):
                here.sweep.release(connection.transport)
                here.sweep.take(connection.transport, end_both)
            peer.sendall(b"x")
            other.sendall(b"x")
            here.beat()
            assert heard == [b"x"]


async def test_one_that_brings_much_does_not_hold_up_the_others() -> None:
    with room() as here:
        async with here.connection() as (connection, peer):
            peer.sendall(b"x" * (READ_BYTES + 1))
            here.beat()
            here.beat()
            assert [len(data) for data in connection.swept] == [READ_BYTES, 1]


async def test_a_transport_without_a_socket_of_its_own_reads_by_itself() -> None:
    with room() as here:
        assert not here.sweep.take(asyncio.Transport(), lambda data: None)
        with socket.socket() as encrypted:
            transport = asyncio.Transport({"socket": encrypted, "ssl_object": object()})
            assert not here.sweep.take(transport, lambda data: None)
