"""A session that begins with its first command, before a dialect that writes down what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from getpatter.audio.format import LINE
from getpatter.engines.base import EngineConfig, ResponseDone
from getpatter.engines.elevenlabs import ElevenLabsConvAI
from getpatter.engines.late import GREETING_S, MAX_WAITING_S, LateSession
from getpatter.engines.socket import SocketSession
from getpatter.errors import ProviderError
from getpatter.testing.contracts.responses import spoken, text_of
from getpatter.testing.vendors.elevenlabs_convai import ElevenLabsConvAIServer

SECOND = b"\x55" * LINE.bytes_per_second


class Opening:
    """What opens the session: it waits until it is let, and then fails."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.let = asyncio.Event()
        self.gone = 0

    async def begin(self, first_words: str) -> SocketSession:
        self.words.append(first_words)
        await self.let.wait()
        raise ProviderError("Nobody is there.", retryable=True)

    async def let_go(self) -> None:
        self.gone += 1


@asynccontextmanager
async def late(opening: Opening, *, greets: bool = False) -> AsyncIterator[LateSession]:
    session = LateSession(opening.begin, opening.let_go, greets=greets, format=LINE, name="late")
    try:
        yield session
    finally:
        await session.close()
        await session.close()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_first_words_begin_it() -> None:
    opening = Opening()
    async with late(opening, greets=True) as session:
        session.send(SECOND[: int(len(SECOND) * GREETING_S / 2)])
        await settle()
        assert opening.words == []
        session.say("Good morning.")
        session.say("Are you there?")
        await settle()
    assert opening.words == ["Good morning."]
    assert opening.gone


async def test_words_that_do_not_come_are_not_waited_for() -> None:
    opening = Opening()
    async with late(opening, greets=True) as session:
        session.send(SECOND * int(GREETING_S))
        await settle()
    assert opening.words == [""]


async def test_an_agent_that_waits_to_be_spoken_to_hears_at_once() -> None:
    opening = Opening()
    async with late(opening) as session:
        session.send(SECOND[:160])
        await settle()
    assert opening.words == [""]


async def test_there_is_nothing_to_cancel_or_change_before_it_begins() -> None:
    opening = Opening()
    async with late(opening) as session:
        session.cancel()
        session.configure("You cook.", ())
        session.commit()
        session.truncate("item", 100)
        await settle()
        assert session.used == ()
    assert opening.words == []


async def test_events_tell_why_it_could_not_begin() -> None:
    opening = Opening()
    async with late(opening) as session:
        session.respond()
        opening.let.set()
        with pytest.raises(ProviderError, match="Nobody"):
            [event async for event in session.events()]


async def test_closing_ends_the_events_of_one_that_never_began() -> None:
    async with late(Opening()) as session:
        reading = asyncio.create_task(_all(session))
        await settle()
        await session.close()
        assert await reading == []


async def test_nothing_begins_after_the_end() -> None:
    opening = Opening()
    async with late(opening) as session:
        await session.close()
        session.say("Good morning.")
        session.send(SECOND)
        await settle()
    assert opening.words == []


async def test_what_comes_before_it_is_open_is_carried_out_then_and_audio_within_limits() -> None:
    server = ElevenLabsConvAIServer()
    server.begins = asyncio.Event()
    async with server.running(), asyncio.timeout(30):
        engine = ElevenLabsConvAI("agent_1", "sk-test", url=server.url)
        session = await engine.open(EngineConfig("You book tables.", greets=True))
        try:
            session.say("Good morning.")
            for _ in range(int(MAX_WAITING_S) + 10):
                session.send(b"\xff" * len(SECOND))
            session.tell("[a note]")
            session.respond()
            server.begins.set()
            assert text_of(await spoken(session)) == "Good morning."
            await server.until(lambda: "[a note]" in server.seen().words)
        finally:
            await session.close()
            await engine.close()
        heard = [told for told in (await server.connected()).told if "user_audio_chunk" in told]
    assert len(heard) == MAX_WAITING_S


async def _all(session: LateSession) -> list[object]:
    return [event async for event in session.events() if isinstance(event, ResponseDone)]
