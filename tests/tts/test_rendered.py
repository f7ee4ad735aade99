from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from getpatter.errors import ProviderError
from getpatter.metering import Product, Used
from getpatter.tts.base import SpeechChunk
from getpatter.tts.rendered import ReadyVoice, RenderedStore, Rendering

ONE, TWO = SpeechChunk(b"one"), SpeechChunk(b"two")


async def speech(*chunks: SpeechChunk | ProviderError | asyncio.Event) -> AsyncGenerator[SpeechChunk]:
    for chunk in chunks:
        if isinstance(chunk, ProviderError):
            raise chunk
        if isinstance(chunk, asyncio.Event):
            await chunk.wait()
        else:
            yield chunk


class Live:
    """A voice that speaks now."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.closed = False

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        self.spoken.append(text)
        yield SpeechChunk(b"live")

    async def close(self) -> None:
        self.closed = True


async def said(voice: ReadyVoice, text: str) -> list[bytes]:
    return [chunk.audio async for chunk in voice.synthesize(text)]


async def test_what_is_ready_is_given_once_and_not_spoken() -> None:
    live = Live()
    voice = ReadyVoice(live, {"Hello.": Rendering([ONE, TWO], complete=True)})
    assert await said(voice, "Hello.") == [b"one", b"two"]
    assert live.spoken == []
    assert await said(voice, "Hello.") == [b"live"]
    await voice.close()
    assert live.closed


async def test_what_was_kept_costs_nothing_and_what_is_spoken_does() -> None:
    class Paid(Live):
        @property
        def used(self) -> tuple[Used, ...]:
            return (Used(Product("acme"), characters=sum(map(len, self.spoken))),)

    voice = ReadyVoice(Paid(), {"Hello.": Rendering([ONE], complete=True)})
    await said(voice, "Hello.")
    assert voice.used == (Used(Product("acme")),)
    await said(voice, "Bye.")
    assert voice.used == (Used(Product("acme"), characters=4),)
    assert ReadyVoice(Live(), {}).used == ()


async def test_a_sentence_on_its_way_is_given_as_it_comes() -> None:
    rendering, more = Rendering(), asyncio.Event()
    filling = asyncio.create_task(rendering.fill(speech(ONE, more, TWO)))
    replay = rendering.replay()
    assert await anext(replay) == ONE
    more.set()
    assert [chunk async for chunk in replay] == [TWO]
    await filling
    assert rendering.complete


async def test_a_sentence_that_never_began_is_spoken_now() -> None:
    live, rendering = Live(), Rendering()
    rendering.give_up()
    assert await said(ReadyVoice(live, {"Hello.": rendering}), "Hello.") == [b"live"]


async def test_a_sentence_that_breaks_off_is_not_begun_again() -> None:
    rendering = Rendering()
    with pytest.raises(ProviderError, match="gone"):
        await rendering.fill(speech(ONE, ProviderError("gone")))
    with pytest.raises(ProviderError, match="broke off"):
        await said(ReadyVoice(Live(), {"Hello.": rendering}), "Hello.")


def test_the_oldest_goes_when_there_are_too_many() -> None:
    store = RenderedStore(max_entries=2)
    for key in "abc":
        store.put(key, [ONE], 0.0)
    assert [store.get(key, 0.0) for key in "abc"] == [None, (ONE,), (ONE,)]
    assert (len(store), store.size_bytes) == (2, 6)


def test_the_oldest_goes_when_there_is_too_much() -> None:
    store = RenderedStore(max_bytes=7)
    for key in "abc":
        store.put(key, [ONE], 0.0)
    assert (len(store), store.size_bytes) == (2, 6)


def test_what_is_larger_than_the_store_is_not_kept() -> None:
    store = RenderedStore(max_bytes=2)
    store.put("a", [ONE], 0.0)
    assert (len(store), store.size_bytes) == (0, 0)


def test_a_sentence_is_replaced_by_a_newer_rendering() -> None:
    store = RenderedStore()
    store.put("a", [ONE, TWO], 0.0)
    store.put("a", [TWO], 0.0)
    assert store.get("a", 0.0) == (TWO,)
    assert store.size_bytes == 3


def test_nothing_is_kept_for_longer_than_its_time() -> None:
    store = RenderedStore(ttl_s=10)
    store.put("a", [ONE], 0.0)
    assert store.get("a", 9.9) == (ONE,)
    assert store.get("a", 10.0) is None
    assert (len(store), store.size_bytes) == (0, 0)
