"""The shell around a dialect, on a real socket to a server that says what the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendor import Vendor
from getpatter.connections.websocket import Address
from getpatter.engines.base import InputTranscript
from getpatter.engines.dialect import READY, Dialect, Ends
from getpatter.engines.socket import MAX_UNSENT, USAGE_S, SocketSession
from getpatter.errors import ProviderError
from getpatter.llm.base import ToolSpec
from getpatter.metering import Product, Used
from getpatter.testing.clock import ManualClock, SkippingClock
from getpatter.testing.vendors.socket_server import Session, SocketServer

FAULTS = Faults("echo", Vendor("Echo", "ECHO_API_KEY"), [SecretStr("sk-1")])
PRODUCT = Product("echo")


class Echo(SocketServer):
    """Says back what it is told."""

    async def talk(self, session: Session) -> None:
        async for message in self.messages(session):
            await session.send(message)


class Plain:
    """What comes back is a transcript, but `ready`, `lost` and `nonsense` are what they say."""

    usage_due = False

    def __init__(self, ends: Ends) -> None:
        self._ends = ends

    def begin(self) -> None:
        self._ends.send("ready")

    def receive(self, message: str | bytes) -> None:
        assert isinstance(message, str)
        match message:
            case "ready":
                self._ends.emit(READY)
            case "lost":
                self._ends.emit(FAULTS.broke_off("first"))
                self._ends.emit(FAULTS.broke_off("second"))
                self._ends.emit(InputTranscript("after", final=True))
            case "nonsense":
                raise ValueError("nothing")
            case _:
                self._ends.emit(InputTranscript(message, final=True))

    def send(self, audio: bytes) -> None:
        self._ends.send(audio)

    def commit(self) -> None:
        self._ends.send("commit")

    def tell(self, text: str) -> None:
        self._ends.send(text)

    def respond(self) -> None:
        self._ends.send("respond")

    def say(self, text: str) -> None:
        self._ends.send(f"say {text}")

    def cancel(self) -> None:
        self._ends.send("cancel")

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        self._ends.send(f"truncate {item_id} {audio_end_ms}")

    def tool_result(self, call_id: str, output: str) -> None:
        self._ends.send(f"result {call_id} {output}")

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        self._ends.send(f"configure {instructions} {len(tools)}")

    def keep_alive(self) -> None:
        self._ends.send("alive")

    def end(self) -> None:
        self._ends.send("end")

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return FAULTS.failed("is full") if code == 4001 else None

    def used(self, open_s: float) -> tuple[Used, ...]:
        return (Used(PRODUCT, seconds=open_s),)


class Owing(Plain):
    """Is told with `end` what was used."""

    def __init__(self, ends: Ends) -> None:
        super().__init__(ends)
        self.usage_due = True

    def receive(self, message: str | bytes) -> None:
        if message == "end":
            self.usage_due = False
        else:
            super().receive(message)

    def used(self, open_s: float) -> tuple[Used, ...]:
        return () if self.usage_due else super().used(open_s)


def plain(ends: Ends) -> Dialect:
    return Plain(ends)


def owing(ends: Ends) -> Dialect:
    return Owing(ends)


@asynccontextmanager
async def session_at(
    server: Echo,
    clock: Clock | None = None,
    keep_alive_s: float | None = None,
    dialect: Callable[[Ends], Dialect] = plain,
) -> AsyncIterator[SocketSession]:
    async with server.running(), asyncio.timeout(60):
        session = SocketSession(
            Address(server.url), dialect, faults=FAULTS, clock=clock or SkippingClock(), keep_alive_s=keep_alive_s
        )
        await session.open()
        try:
            yield session
        finally:
            await session.close()
            await server.quiet()


async def words(session: SocketSession, count: int) -> list[str]:
    found: list[str] = []
    async for event in session.events():
        assert isinstance(event, InputTranscript)
        found.append(event.text)
        if len(found) == count:
            break
    return found


async def test_commands_go_out_in_their_order_and_what_comes_back_is_told() -> None:
    async with session_at(Echo()) as session:
        session.commit()
        session.tell("this")
        session.respond()
        session.say("hello")
        session.cancel()
        session.truncate("item_1", 500)
        session.tool_result("call_1", "found")
        session.configure("You cook.", ())
        told = await words(session, 8)
    assert told == [
        "commit",
        "this",
        "respond",
        "say hello",
        "cancel",
        "truncate item_1 500",
        "result call_1 found",
        "configure You cook. 0",
    ]


async def test_a_session_is_lost_with_the_first_error_and_tells_nothing_after_it() -> None:
    async with session_at(Echo()) as session:
        session.tell("before")
        session.tell("lost")
        assert await words(session, 1) == ["before"]
        with pytest.raises(ProviderError, match="first"):
            await words(session, 1)
        session.tell("nobody hears this")
        await session.close()
        assert await words(session, 1) == []


async def test_what_cannot_be_read_ends_the_session() -> None:
    async with session_at(Echo()) as session:
        session.tell("nonsense")
        with pytest.raises(ProviderError, match="cannot be read: nothing"):
            await words(session, 1)


@pytest.mark.parametrize(("code", "said"), [(4001, "is full"), (1011, "broke off")])
async def test_a_close_code_is_the_dialects_to_explain_before_it_is_anybodys(code: int, said: str) -> None:
    server = Echo()
    async with session_at(server) as session:
        await server.sessions[0].close(code)
        with pytest.raises(ProviderError, match=said):
            await words(session, 1)


async def test_the_vendor_is_told_that_somebody_is_there_only_when_nothing_else_is_said() -> None:
    clock, server = SkippingClock(), Echo()
    async with session_at(server, clock, keep_alive_s=10.0) as session:
        clock.skip(6.0)
        session.tell("this")
        assert await words(session, 1) == ["this"]
        clock.skip(6.0)
        clock.skip(6.0)
        assert await words(session, 1) == ["alive"]
    assert server.sessions[0].received == ["ready", "this", "alive", "end"]


async def test_time_is_counted_while_the_session_is_open() -> None:
    clock = SkippingClock()
    async with session_at(Echo(), clock) as session:
        clock.skip(60.0)
        await session.close()
        clock.skip(60.0)
        [used] = session.used
    assert used.seconds == pytest.approx(60.0, abs=5.0)


async def test_half_a_minute_of_sound_may_be_told_at_once() -> None:
    server = Echo()
    async with session_at(server) as session:
        session.tell("x" * (MAX_UNSENT - 1024))
        await server.until(lambda: len(server.sessions[0].received) == 2)


async def test_a_dialect_that_asks_for_more_than_is_taken_loses_the_session_without_an_exception() -> None:
    async with session_at(Echo()) as session:
        for _ in range(40):
            session.tell("x" * (MAX_UNSENT // 2))
        with pytest.raises(ProviderError):
            await words(session, 100)


async def test_what_the_vendor_has_still_to_count_is_waited_for() -> None:
    async with session_at(Echo(), ManualClock(), dialect=owing) as session:
        assert not session.used
        await session.close()
        assert [used.product for used in session.used] == [PRODUCT]


class Deaf(Echo):
    """Says nothing back any more once it is told that this is the end."""

    async def talk(self, session: Session) -> None:
        async for message in self.messages(session):
            if message != "end":
                await session.send(message)
            await self.note()


async def test_but_not_for_long() -> None:
    server, clock = Deaf(), ManualClock()
    async with session_at(server, clock, dialect=owing) as session:
        closing = asyncio.create_task(session.close())
        await server.until(lambda: "end" in server.sessions[0].received)
        clock.advance(0.9 * USAGE_S)
        assert not closing.done()
        clock.advance(0.1 * USAGE_S)
        await closing
        assert not session.used


async def test_nor_where_the_connection_is_lost() -> None:
    server = Deaf()
    async with session_at(server, ManualClock(), dialect=owing) as session:
        closing = asyncio.create_task(session.close())
        await server.until(lambda: "end" in server.sessions[0].received)
        server.sessions[0].drop()
        await closing


async def test_the_connection_is_let_go_of_though_nobody_waits_for_the_close_any_more() -> None:
    server = Deaf()
    async with session_at(server, ManualClock(), dialect=owing) as session:
        closing = asyncio.create_task(session.close())
        await server.until(lambda: "end" in server.sessions[0].received)
        closing.cancel()
        await asyncio.wait([closing])
        await server.quiet()
