"""What holds of every recogniser behind a WebSocket, and of none that behaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from getpatter.audio.format import LINE
from getpatter.clock import Clock, SystemClock
from getpatter.connections.faults import Faults
from getpatter.connections.vendor import Vendor
from getpatter.connections.websocket import Address
from getpatter.errors import ProviderError
from getpatter.metering import Product
from getpatter.stt.base import HeardWord, Transcript
from getpatter.stt.dialect import READY, Happening, Terms
from getpatter.stt.socket import SocketRecognition
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.raw_server import RawServer
from getpatter.testing.vendors.socket_server import Session, SocketServer

FAULTS = Faults("m at plain", Vendor("Plain", "PLAIN_API_KEY"))
AUDIO = Terms(bills="audio")
SESSION = Terms(bills="session")
HALF_A_SECOND = b"\xff" * 4000


class PlainDialect:
    """Says `?` for a final transcript; hears `[text, end_s, answers]`, or `ready`."""

    def begin(self) -> Iterable[str | bytes]:
        return ("begin",)

    def audio(self, audio: bytes) -> str | bytes:
        return audio

    def finalize(self) -> Iterable[str | bytes]:
        return ("?",)

    def give_up(self) -> Iterable[Happening]:
        return ()

    def keep_alive(self) -> Iterable[str | bytes]:
        return ()

    def end(self) -> Iterable[str | bytes]:
        return ("end",)

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        if message == "ready":
            return (READY,)
        if message == "refused":
            return (FAULTS.failed("refuses"),)
        text, end_s, answers = json.loads(message)
        return (Transcript(text, final=True, from_finalize=answers, words=(HeardWord(text, 0.0, end_s),)),)

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None


class Listener(SocketServer):
    """Hears, and says what a test says through it, and `greeting` at once."""

    def __init__(self, greeting: str = "") -> None:
        super().__init__()
        self.greeting = greeting

    async def talk(self, session: Session) -> None:
        if self.greeting:
            await session.send(self.greeting)
        async for _ in self.messages(session):
            pass


def recognition_at(url: str, terms: Terms, clock: Clock | None = None) -> SocketRecognition:
    return SocketRecognition(
        Address(url),
        PlainDialect(),
        terms,
        format=LINE,
        product=Product("plain"),
        faults=FAULTS,
        clock=clock or SystemClock(),
    )


@asynccontextmanager
async def listening(
    terms: Terms = AUDIO, clock: Clock | None = None, greeting: str = ""
) -> AsyncIterator[tuple[SocketRecognition, Listener]]:
    async with Listener(greeting).running() as server, asyncio.timeout(60), nothing_left():
        recognition = recognition_at(server.url, terms, clock)
        await recognition.open()
        try:
            yield recognition, server
        finally:
            await recognition.close()


def seconds(recognition: SocketRecognition) -> float:
    return recognition.used[0].seconds


# -- whose words


async def test_an_answer_that_was_given_up_is_not_taken_for_the_next_one() -> None:
    clock = SkippingClock()
    async with listening(clock=clock) as (recognition, server):
        session = await server.connected()
        heard = recognition.transcripts()
        recognition.send(HALF_A_SECOND)
        recognition.finalize()
        clock.skip(AUDIO.finalize_s)
        assert (await anext(heard)).text == ""
        recognition.send(HALF_A_SECOND)
        recognition.finalize()
        await session.send('["one", 0.4, true]')
        await session.send('["two", 0.9, true]')
        first, second = await anext(heard), await anext(heard)
        assert (first.text, first.from_finalize) == ("one", False)
        assert (second.text, second.from_finalize) == ("two", True)


async def test_without_word_times_the_next_answer_is_the_one_that_is_waited_for() -> None:
    clock = SkippingClock()
    async with listening(clock=clock) as (recognition, server):
        session = await server.connected()
        heard = recognition.transcripts()
        recognition.send(HALF_A_SECOND)
        recognition.finalize()
        clock.skip(AUDIO.finalize_s)
        assert (await anext(heard)).text == ""
        recognition.send(HALF_A_SECOND)
        recognition.finalize()
        await session.send('["two", 0, true]')
        second = await anext(heard)
        assert (second.text, second.from_finalize) == ("two", True)


async def test_an_answer_that_comes_after_its_request_was_given_up_is_heard_all_the_same() -> None:
    clock = SkippingClock()
    async with listening(clock=clock) as (recognition, server):
        session = await server.connected()
        heard = recognition.transcripts()
        recognition.send(HALF_A_SECOND)
        recognition.finalize()
        clock.skip(AUDIO.finalize_s)
        assert (await anext(heard)).text == ""
        await session.send('["one", 0.4, true]')
        late = await anext(heard)
        assert (late.text, late.from_finalize) == ("one", False)


# -- beginnings


async def test_readiness_may_come_in_one_piece_with_the_handshake() -> None:
    clock = SkippingClock()
    terms = replace(AUDIO, waits_for_ready=True)
    async with RawServer(shakes_hands=True, greeting=b"\x81\x05ready") as raw, asyncio.timeout(60), nothing_left():
        recognition = recognition_at(f"ws://127.0.0.1:{raw.port}", terms, clock)
        await recognition.open()
        clock.skip(terms.ready_s)
        reading = asyncio.ensure_future(anext(recognition.transcripts()))
        await raw.say(b'\x81\x13["hello",0.4,false]')
        assert (await reading).text == "hello"
        raw.drop()
        await recognition.close()


async def test_a_refusal_may_come_in_one_piece_with_the_handshake() -> None:
    async with RawServer(shakes_hands=True, greeting=b"\x81\x07refused") as raw, asyncio.timeout(60), nothing_left():
        recognition = recognition_at(f"ws://127.0.0.1:{raw.port}", AUDIO)
        await recognition.open()
        with pytest.raises(ProviderError, match="refuses"):
            await anext(recognition.transcripts())
        await recognition.close()


# -- money


async def test_audio_that_was_never_sent_is_not_paid_for() -> None:
    terms = replace(AUDIO, stands_idle=False)
    async with RawServer(answer=b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as raw, asyncio.timeout(60):
        recognition = recognition_at(f"ws://127.0.0.1:{raw.port}", terms)
        await recognition.open()
        recognition.send(HALF_A_SECOND)
        with pytest.raises(ProviderError):
            await anext(recognition.transcripts())
        recognition.send(HALF_A_SECOND)
        assert seconds(recognition) == 0.0
        await recognition.close()


async def test_audio_for_a_lost_connection_is_not_paid_for() -> None:
    async with listening() as (recognition, server):
        recognition.send(HALF_A_SECOND)
        (await server.connected()).drop()
        with pytest.raises(ProviderError):
            await anext(recognition.transcripts())
        recognition.send(HALF_A_SECOND)
        assert seconds(recognition) == 0.5


async def test_a_lost_session_is_paid_for_until_it_was_lost() -> None:
    clock = SkippingClock()
    async with listening(SESSION, clock) as (recognition, server):
        recognition.send(HALF_A_SECOND)
        session = await server.connected()
        await server.until(lambda: bool(session.received))
        session.drop()
        with pytest.raises(ProviderError):
            await anext(recognition.transcripts())
        clock.skip(3600.0)
        assert seconds(recognition) < 60.0


async def test_no_session_is_opened_after_the_end() -> None:
    async with listening(SESSION) as (recognition, server):
        await recognition.close()
        recognition.send(HALF_A_SECOND)
        recognition.finalize()
        assert [task.get_name() for task in asyncio.all_tasks() if "opening" in task.get_name()] == []
        assert seconds(recognition) == 0.0
        assert server.sessions == []


# -- ends


async def test_a_close_that_is_broken_off_leaves_no_session() -> None:
    async with listening(SESSION) as (recognition, server):
        recognition.send(HALF_A_SECOND)
        session = await server.connected()
        await server.until(lambda: bool(session.received))
        closing = asyncio.create_task(recognition.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await session.closed.wait()
