"""What holds of every voice behind a WebSocket, when it is asked at a bad moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus

import pytest

from getpatter.audio.format import LINE
from getpatter.clock import Clock, SystemClock
from getpatter.connections.faults import Faults
from getpatter.connections.vendor import Vendor
from getpatter.connections.websocket import Address
from getpatter.errors import ProviderError
from getpatter.metering import Product
from getpatter.testing.clock import ManualClock
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.vendors.socket_server import Session, SocketServer
from getpatter.tts.base import SpeechChunk
from getpatter.tts.dialect import Done, Happening, Part, Terms
from getpatter.tts.socket import SocketVoice

FAULTS = Faults("v at plain", Vendor("Plain", "PLAIN_API_KEY"))
SEVERAL = Terms(contexts=True, cancels=True)
ONE = Terms(contexts=False, cancels=False)
STEPS = 40
"""Turns of the event loop that a sentence takes to its first sound, and more."""


class PlainDialect:
    """Says `context|text`, hears the same, and the end as `context|`."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def begin(self) -> Iterable[str | bytes]:
        return ()

    def speak(self, context: str, text: str) -> Iterable[str | bytes]:
        return (f"{context if self._terms.contexts else ''}|{text}",)

    def cancel(self, context: str) -> Iterable[str | bytes]:
        return ()

    def keep_alive(self) -> Iterable[str | bytes]:
        return ()

    def end(self) -> Iterable[str | bytes]:
        return ()

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        context, _, text = str(message).partition("|")
        return (Part(SpeechChunk(text.encode()), context),) if text else (Done(context),)

    def closed(self, code: int, reason: str) -> ProviderError | Done | None:
        return None


class Speaker(SocketServer):
    """Says what it is told to, in two pieces; `mute` it, and it says nothing."""

    mute = False
    tears = 0
    """So many of the next sentences find their socket closed."""

    async def talk(self, session: Session) -> None:
        async for message in self.messages(session):
            if self.tears:
                self.tears -= 1
                session.drop()
                return
            if self.mute:
                continue
            context, _, text = str(message).partition("|")
            for piece in (text[:1], text[1:], ""):
                await session.send(f"{context}|{piece}")


@asynccontextmanager
async def speaking(terms: Terms = ONE, clock: Clock | None = None) -> AsyncIterator[tuple[SocketVoice, Speaker]]:
    async with Speaker().running() as server, asyncio.timeout(60), nothing_left():
        voice = SocketVoice(
            Address(server.url),
            lambda: PlainDialect(terms),
            terms,
            format=LINE,
            product=Product("plain"),
            faults=FAULTS,
            clock=clock or SystemClock(),
        )
        await voice.open()
        yield voice, server
        await voice.close()
        await server.quiet()


async def said(voice: SocketVoice, text: str) -> str:
    return b"".join([chunk.audio async for chunk in voice.synthesize(text)]).decode()


async def interrupted(voice: SocketVoice) -> None:
    async with aclosing(voice.synthesize("Not all of this is heard.")) as speech:
        await anext(speech)


async def lost(server: Speaker) -> None:
    """All connections are gone, and their clients know."""
    server.cut()
    await server.quiet()
    for _ in range(STEPS):
        await asyncio.sleep(0)


@pytest.mark.parametrize("terms", [SEVERAL, ONE])
async def test_sentences_that_are_asked_for_at_once_share_one_new_socket(terms: Terms) -> None:
    async with speaking(terms) as (voice, server):
        await server.connected()
        await lost(server)
        texts = ["One.", "Two.", "Three."]
        assert await asyncio.gather(*(said(voice, text) for text in texts)) == texts
        assert len(server.sessions) == 2


async def test_a_socket_that_could_not_be_opened_ahead_is_tried_again_for_the_next_sentence() -> None:
    async with speaking() as (voice, server):
        server.refuses = HTTPStatus.SERVICE_UNAVAILABLE
        await interrupted(voice)
        await asyncio.wait({task for task in asyncio.all_tasks() if task.get_name() == "v at plain opening"})
        server.refuses = None
        assert await said(voice, "Hello.") == "Hello."


async def test_a_sentence_fails_with_a_socket_that_is_refused_to_it() -> None:
    async with speaking() as (voice, server):
        await server.connected()
        await lost(server)
        server.refuses = HTTPStatus.SERVICE_UNAVAILABLE
        with pytest.raises(ProviderError, match="503"):
            await said(voice, "Hello.")


@pytest.mark.parametrize("terms", [SEVERAL, ONE])
@pytest.mark.parametrize("step", range(STEPS))
async def test_a_sentence_that_is_cancelled_at_any_moment_leaves_nothing_and_the_next_is_whole(
    terms: Terms, step: int
) -> None:
    async with speaking(terms) as (voice, _):
        await interrupted(voice)
        cancelled = asyncio.create_task(said(voice, "Never mind."))
        for _turn in range(step):
            await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait({cancelled})
        assert await said(voice, "Hello.") == "Hello."


async def test_a_sentence_that_is_cancelled_as_its_socket_is_open_leaves_that_to_the_next() -> None:
    async with speaking() as (voice, server):
        await interrupted(voice)
        cancelled = asyncio.create_task(said(voice, "Never mind."))
        (opening,) = (task for task in asyncio.all_tasks() if task.get_name() == "v at plain opening")
        opening.add_done_callback(lambda _: cancelled.cancel())
        await asyncio.wait({cancelled})
        assert await said(voice, "Hello.") == "Hello."
        assert len(server.sessions) == 2


async def test_closing_ends_a_sentence_under_way() -> None:
    async with speaking() as (voice, server):
        server.mute = True
        sentence = asyncio.create_task(said(voice, "Hello."))
        session = await server.connected()
        await server.until(lambda: bool(session.received))
        await voice.close()
        with pytest.raises(ProviderError, match="was closed"):
            await sentence


async def test_nothing_is_said_on_a_socket_that_opens_after_the_end() -> None:
    async with speaking() as (voice, server):
        await server.connected()
        await lost(server)
        sentence = asyncio.create_task(said(voice, "Hello."))
        await asyncio.sleep(0)
        await voice.close()
        with pytest.raises(ProviderError, match="was closed"):
            await sentence


@pytest.mark.parametrize("terms", [SEVERAL, ONE])
async def test_a_sentence_that_finds_its_socket_closed_is_sent_once_more(terms: Terms) -> None:
    async with speaking(terms) as (voice, server):
        server.tears = 1
        assert await said(voice, "Hello.") == "Hello."
        assert [len(session.received) for session in server.sessions] == [1, 1]
        assert [used.characters for used in voice.used] == [len("Hello.")]


async def test_a_sentence_that_loses_two_sockets_fails() -> None:
    async with speaking() as (voice, server):
        server.tears = 2
        with pytest.raises(ProviderError, match="broke off"):
            await said(voice, "Hello.")
        assert await said(voice, "Hello again.") == "Hello again."


async def test_sentences_under_way_at_once_are_all_sent_once_more() -> None:
    async with speaking(SEVERAL) as (voice, server):
        server.mute = True
        texts = ["One.", "Two.", "Three."]
        sentences = asyncio.gather(*(said(voice, text) for text in texts))
        session = await server.connected()
        await server.until(lambda: len(session.received) == len(texts))
        server.mute = False
        server.cut()
        assert await sentences == texts
        assert len(server.sessions) == 2


async def test_a_vendor_that_has_said_goodbye_is_asked_nothing_more() -> None:
    async with speaking(clock=ManualClock()) as (voice, server):
        session = await server.connected()
        connection = session.socket
        connection.transport.pause_reading()  # it does not take note of our answer, and the connection stands
        connection.protocol.send_close(1000)
        connection.transport.write(b"".join(connection.protocol.data_to_send()))
        for _ in range(STEPS):
            await asyncio.sleep(0)
        assert await said(voice, "Hello.") == "Hello."
        connection.transport.resume_reading()
        assert len(server.sessions) == 2


async def test_half_of_an_emoji_is_no_fault_of_the_voice() -> None:
    async with speaking() as (voice, _):
        assert await said(voice, "Hi \ud83d there.") == "Hi ? there."
