from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.datastructures import Headers

from getpatter.clock import Clock, SystemClock
from getpatter.connections.faults import Faults
from getpatter.connections.vendor import Vendor
from getpatter.connections.websocket import ABNORMAL, CLOSE_S, MAX_UNSENT, OPEN_S, PING_S, Address, WebSocket, closed
from getpatter.errors import ProviderError
from getpatter.testing.clock import ManualClock, SkippingClock
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.raw_server import RawServer
from getpatter.testing.vendors.socket_server import Session, SocketServer

KEY = "sk-0123456789"
FAULTS = Faults("m at echo", Vendor("Echo", "ECHO_API_KEY"))


class EchoServer(SocketServer):
    """Says what it hears, but for `bye`, at which it closes."""

    subprotocols = ("chat",)

    def admit(self, path: str, query: object, headers: Headers) -> tuple[HTTPStatus, str] | None:
        if self.key and headers.get("X-Key") != self.key:
            return HTTPStatus.UNAUTHORIZED, '{"error": {"message": "No such key: sk-wrong"}}'
        return None

    async def talk(self, session: Session) -> None:
        async for message in self.messages(session):
            if message == "bye":
                await session.close(4001, "you said so")
                return
            await session.send(message)


class Heard:
    """A `Sink`."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.closed: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    def on_message(self, message: str | bytes) -> None:
        self.messages.put_nowait(message)

    def on_closed(self, code: int, reason: str) -> None:
        self.closed.set_result((code, reason))


async def turns() -> AsyncIterator[None]:
    """Turns of the event loop, for what tells nobody."""
    for _ in range(10_000):
        yield
        await asyncio.sleep(0)


@asynccontextmanager
async def echo(
    key: str = "", clock: Clock | None = None, headers: dict[str, str] | None = None
) -> AsyncIterator[tuple[WebSocket, Heard, EchoServer]]:
    async with EchoServer(key=key).running() as server, asyncio.timeout(60), nothing_left():
        heard = Heard()
        address = Address(f"{server.url}/talk?key={KEY}", headers or {}, ("chat",))
        socket = WebSocket(address, heard, FAULTS, clock or SystemClock())
        try:
            yield socket, heard, server
        finally:
            await socket.close()


@pytest.mark.parametrize("message", ["", "grüß 東京", b"", b"\x00\xff" * 50_000, "x" * 300_000])
async def test_messages_arrive_as_they_were_sent(message: str | bytes) -> None:
    async with echo() as (socket, heard, _):
        await socket.open()
        socket.send(message)
        assert await heard.messages.get() == message


async def test_a_message_in_fragments_is_one_message() -> None:
    async with echo() as (socket, heard, server):
        await socket.open()
        session = await server.connected()
        await session.socket.send(["grü", "ß", " dich"])
        await session.socket.send([b"a", b"b"])
        assert [await heard.messages.get(), await heard.messages.get()] == ["grüß dich", b"ab"]


async def test_reaching_a_provider_is_no_request_yet() -> None:
    async with echo() as (socket, _, server):
        await socket.reach()
        assert server.sessions == []
        assert not socket.is_open
        await socket.open()
        await server.connected()
        assert socket.is_open


async def test_a_connection_that_was_dropped_while_it_stood_idle_is_made_anew() -> None:
    async with RawServer(shakes_hands=True) as raw, asyncio.timeout(60):
        socket = WebSocket(Address(f"ws://127.0.0.1:{raw.port}/"), Heard(), FAULTS, SystemClock())
        await socket.reach()
        await raw.connected()
        raw.drop()
        await socket.open()
        assert socket.is_open
        await raw.asked()
        await raw.connected(2)
        await socket.close()


async def test_headers_are_sent_with_the_request() -> None:
    async with echo(KEY, headers={"X-Key": KEY, "X-Other": "1"}) as (socket, _, server):
        await socket.open()
        assert (await server.connected()).headers["x-other"] == "1"


async def test_a_refusal_is_told_in_the_providers_words_and_without_the_key() -> None:
    faults = Faults("m at echo", Vendor("Echo", "ECHO_API_KEY"))
    async with EchoServer(key=KEY).running() as server, asyncio.timeout(60), nothing_left():
        socket = WebSocket(Address(server.url, {"X-Key": "sk-wrong"}, ("chat",)), Heard(), faults, SystemClock())
        with pytest.raises(ProviderError) as refused:
            await socket.open()
        await socket.close()
    assert refused.value.message == "m at echo refused the key (HTTP 401)"
    assert refused.value.next_step == "Set ECHO_API_KEY to a valid key of Echo."
    assert not refused.value.retryable


async def test_nobody_there_is_told_without_the_address() -> None:
    socket = WebSocket(Address(f"ws://127.0.0.1:1/?key={KEY}"), Heard(), FAULTS, SystemClock())
    with pytest.raises(ProviderError) as unreachable:
        await socket.open()
    assert unreachable.value.retryable
    assert KEY not in unreachable.value.message


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    clock = SkippingClock()
    async with RawServer() as raw, asyncio.timeout(60):
        socket = WebSocket(Address(f"ws://127.0.0.1:{raw.port}/"), Heard(), FAULTS, clock)
        opening = asyncio.create_task(socket.open())
        await raw.asked()
        clock.skip(OPEN_S)
        with pytest.raises(ProviderError, match=r"did not answer within 10 s"):
            await opening
        await socket.close()


async def test_what_is_no_websocket_is_told_so() -> None:
    async with RawServer(answer=b"SSH-2.0-OpenSSH_9.2\r\n\r\n") as raw, asyncio.timeout(60):
        socket = WebSocket(Address(f"ws://127.0.0.1:{raw.port}/"), Heard(), FAULTS, SystemClock())
        with pytest.raises(ProviderError, match="m at echo"):
            await socket.open()
        await socket.close()


async def test_the_sink_is_told_why_the_provider_closed() -> None:
    async with echo() as (socket, heard, _):
        await socket.open()
        socket.send("bye")
        assert await heard.closed == (4001, "you said so")
        assert not socket.is_open
        socket.send("is dropped")


async def test_the_sink_is_told_of_a_broken_connection() -> None:
    async with echo() as (socket, heard, server):
        await socket.open()
        (await server.connected()).drop()
        assert await heard.closed == (ABNORMAL, "")


async def test_the_sink_hears_nothing_after_our_own_end() -> None:
    async with echo() as (socket, heard, server):
        await socket.open()
        session = await server.connected()
        await socket.close()
        await socket.close()
        await session.closed.wait()
        assert session.socket.close_code == 1000
        assert not heard.closed.done()


async def test_a_silent_line_is_pinged_and_given_up_when_nobody_answers() -> None:
    clock = SkippingClock()
    async with RawServer(shakes_hands=True) as raw, asyncio.timeout(60):
        heard = Heard()
        socket = WebSocket(Address(f"ws://127.0.0.1:{raw.port}/"), heard, FAULTS, clock)
        await socket.open()
        clock.skip(PING_S)
        assert (await raw.frame())[0] & 0x0F == 0x9
        clock.skip(PING_S)
        assert await heard.closed == (ABNORMAL, "")
        await socket.close()


async def test_nobody_is_given_up_who_was_not_pinged() -> None:
    clock = ManualClock()
    async with RawServer(shakes_hands=True) as raw, asyncio.timeout(60):
        heard = Heard()
        socket = WebSocket(Address(f"ws://127.0.0.1:{raw.port}/"), heard, FAULTS, clock)
        await socket.open()
        clock.advance(1.0)
        await raw.say(b"\x81\x02hi")
        await heard.messages.get()
        clock.advance(PING_S - 1.0)  # silent, but not for long enough
        clock.hold_up(PING_S + 1.5)
        clock.advance(0.0)
        assert socket.is_open
        clock.advance(PING_S)
        assert not socket.is_open
        await socket.close()


async def test_a_goodbye_is_heard_from_a_provider_that_reads_no_more() -> None:
    clock = SkippingClock()
    async with RawServer(shakes_hands=True) as raw, asyncio.timeout(60):
        heard = Heard()
        address = Address(f"ws://127.0.0.1:{raw.port}/")
        socket = WebSocket(address, heard, FAULTS, clock, max_unsent=64 * MAX_UNSENT)
        await socket.open()
        raw.stop_reading()
        socket.send(bytes(32 * MAX_UNSENT))
        await raw.say(b"\x88\x02\x03\xe8")
        async for _ in turns():
            if not socket.is_open:
                break
        clock.skip(CLOSE_S)
        assert await heard.closed == (1000, "")
        await socket.close()


async def test_a_server_that_gives_up_waiting_for_the_request_is_asked_anew(caplog: pytest.LogCaptureFixture) -> None:
    goodbye = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
    async with RawServer(shakes_hands=True) as raw, asyncio.timeout(60):
        socket = WebSocket(Address(f"ws://127.0.0.1:{raw.port}/"), Heard(), FAULTS, SystemClock())
        await socket.reach()
        await raw.connected()
        await raw.say(goodbye)
        raw.hang_up()
        await socket.open()
        assert socket.is_open
        await socket.close()
        gc.collect()
    assert [record for record in caplog.records if "never retrieved" in record.getMessage()] == []


@pytest.mark.parametrize("under_way", [WebSocket.open, WebSocket.reach])
async def test_closing_ends_what_is_under_way(under_way: Callable[[WebSocket], Awaitable[None]]) -> None:
    async with RawServer() as raw, asyncio.timeout(60), nothing_left():
        socket = WebSocket(Address(f"ws://127.0.0.1:{raw.port}/"), Heard(), FAULTS, SystemClock())
        if under_way is WebSocket.open:
            await socket.reach()
        attempt = asyncio.ensure_future(under_way(socket))
        await asyncio.sleep(0)
        await socket.close()
        with pytest.raises(ProviderError, match="was closed"):
            await attempt
        assert not socket.is_open


@pytest.mark.parametrize(
    "url", ["ws://a..b/", "ws://localhost:99999/", f"ws://{'a' * 70}.com/", "ws://localhost/#part"]
)
async def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    socket = WebSocket(Address(f"{url}?key={KEY}"), Heard(), FAULTS, SystemClock())
    with pytest.raises(ProviderError, match="an address that is none") as refused:
        await socket.open()
    assert KEY not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    assert not refused.value.retryable


async def test_a_provider_that_does_not_read_is_given_up() -> None:
    async with RawServer(shakes_hands=True) as raw, asyncio.timeout(60):
        heard = Heard()
        socket = WebSocket(Address(f"ws://127.0.0.1:{raw.port}/"), heard, FAULTS, SystemClock())
        await socket.open()
        raw.stop_reading()
        while socket.is_open:
            socket.send(bytes(MAX_UNSENT))
        assert await heard.closed == (ABNORMAL, "")
        await socket.close()


async def test_the_key_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with echo(KEY, headers={"X-Key": KEY}) as (socket, _, server):
        await socket.open()
        await server.connected()
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("websockets.server")]
    assert KEY not in "".join(ours)
    assert KEY not in repr(Address(f"wss://x/?key={KEY}", {"X-Key": KEY}))


@pytest.mark.parametrize(
    ("code", "retryable"), [(1006, True), (1011, True), (1008, False), (4401, False), (4429, True), (4000, True)]
)
def test_a_close_code_says_whether_to_come_again(code: int, retryable: bool) -> None:
    error = closed(FAULTS, code, "words")
    assert error.retryable is retryable
    assert "words" in error.message or code == 4401
