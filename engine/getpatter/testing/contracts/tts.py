"""What every voice that is reached over the network has to do."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Any, ClassVar, Protocol

import pytest

from getpatter.clock import Clock, SystemClock
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import used_by
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.contracts.stt import KEY, PATIENCE_S
from getpatter.testing.vendors.speaker import Orders, sound
from getpatter.tts.base import SpeechChunk, TextToSpeech, Voice
from getpatter.tts.fallback import FallbackTTS

STALLED_S = 11.0
"""A voice that gave nothing for so long gives nothing any more."""


class VoiceServer(Protocol):
    """What stands in for the vendor, by HTTP or WebSocket."""

    orders: Orders
    refuses: HTTPStatus | None

    @property
    def url(self) -> str: ...

    def running(self) -> AbstractAsyncContextManager[Any]: ...

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at whenever anything came."""

    async def quiet(self) -> None:
        """Wait until no connection is in use."""


class TtsContract(ABC):
    """Inherit it in a class whose name begins with `Test`, and say what is tested."""

    key_variable: ClassVar[str]
    gives_word_times: ClassVar[bool] = False
    most_characters: ClassVar[int] = 2000
    """That the vendor takes at once; of others, what a sentence may well have."""

    @abstractmethod
    def server(self, *, key: str = "") -> VoiceServer:
        """What stands in for the vendor; it makes `testing.vendors.speaker.sound` of each text."""

    @abstractmethod
    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> TextToSpeech:
        """The adapter, led to the server; with an empty `api_key` it looks for its variable, with an empty `voice` it
        has its default."""

    # -- sound

    async def test_a_sentence_becomes_its_sound(self) -> None:
        async with self._call() as (provider, voice, _):
            chunks = await spoken(voice, "Hello there.")
            assert len(chunks) > 1, "it streams"
            assert joined(chunks) == sound("Hello there.", provider.format)

    async def test_sentences_follow_each_other_on_one_voice(self) -> None:
        async with self._call() as (provider, voice, server):
            for text in ("One.", "Two and a half.", "Three."):
                assert joined(await spoken(voice, text)) == sound(text, provider.format)
            assert [text.strip() for text in server.orders.spoken] == ["One.", "Two and a half.", "Three."]

    async def test_every_script_is_spoken(self) -> None:
        words = "Grüß Gott, señor – 東京 👋 “quoted” <break/> & \\ \n end."
        async with self._call() as (_, voice, server):
            assert joined(await spoken(voice, words))
            assert [text.strip() for text in server.orders.spoken] == [words]

    async def test_a_text_that_is_longer_than_the_vendor_takes_at_once_is_spoken_whole(self) -> None:
        sentence = "All work and no play makes a dull day. "
        words = sentence * (self.most_characters // len(sentence) + 1)
        async with self._call() as (provider, voice, server):
            chunks = await spoken(voice, words)
            assert len(joined(chunks)) >= len(sound(words.strip(), provider.format))
            assert " ".join(server.orders.spoken).split() == words.split()
            starts = [word.start_s for chunk in chunks for word in chunk.words]
            assert starts == sorted(starts)

    async def test_nothing_to_say_is_no_sound_and_no_request(self) -> None:
        async with self._call() as (_, voice, server):
            assert await spoken(voice, "") == []
            assert await spoken(voice, "  \n ") == []
            assert server.orders.spoken == []

    async def test_words_have_their_times(self) -> None:
        if not self.gives_word_times:
            pytest.skip("this vendor tells no word times")
        async with self._call() as (_, voice, _):
            times = [word for chunk in await spoken(voice, "Hello there my friend.") for word in chunk.words]
            assert [word.word.strip(".") for word in times] == ["Hello", "there", "my", "friend"]
            starts = [word.start_s for word in times]
            assert starts == sorted(starts)
            assert starts[0] < 0.1 < starts[-1]

    async def test_what_is_paid_for_is_counted(self) -> None:
        async with self._call() as (provider, voice, _):
            chunks = await spoken(voice, "Hello there.")
            (used,) = used_by(voice)
            assert used.product.vendor
            assert used.characters == len("Hello there.")
            assert used.seconds == pytest.approx(len(joined(chunks)) / provider.format.bytes_per_second)

    # -- interruptions

    async def test_an_interrupted_sentence_stops_at_the_vendor(self) -> None:
        async with self._call() as (provider, voice, server):
            server.orders.stall_after = 1
            async with aclosing(voice.synthesize("A sentence that nobody hears to its end.")) as speech:
                await anext(speech)
            await server.until(lambda: bool(server.orders.cancelled))
            server.orders.stall_after = None
            assert joined(await spoken(voice, "The next.")) == sound("The next.", provider.format)

    async def test_an_interrupted_sentence_is_not_heard_in_the_next(self) -> None:
        async with self._call() as (provider, voice, _):
            for _ in range(3):
                async with aclosing(voice.synthesize("Some words that are cut.")) as speech:
                    await anext(speech)
                assert joined(await spoken(voice, "And on.")) == sound("And on.", provider.format)

    async def test_a_sentence_that_is_never_read_costs_nothing_more(self) -> None:
        async with self._call() as (provider, voice, _):
            await voice.synthesize("Not begun.").aclose()
            assert joined(await spoken(voice, "Hello.")) == sound("Hello.", provider.format)

    # -- money and secrets

    async def test_ringing_costs_nothing(self) -> None:
        async with self._call() as (_, voice, server):
            assert server.orders.spoken == []
            assert sum(used.characters for used in used_by(voice)) == 0

    async def test_a_missing_key_is_told_when_the_provider_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(self.key_variable, raising=False)
        with pytest.raises(ConfigurationError) as missing:
            self.provider("ws://127.0.0.1:1", api_key="", clock=SystemClock())
        assert self.key_variable in str(missing.value.next_step)

    async def test_the_key_is_taken_from_its_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(self.key_variable, KEY)
        async with self._call(api_key="") as (_, voice, _):
            assert await spoken(voice, "Hello.")

    async def test_the_key_is_shown_nowhere(self) -> None:
        async with self._call() as (provider, voice, _):
            for shown in (provider.name, repr(provider), repr(voice)):
                assert KEY not in shown

    # -- failures

    @pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY])
    async def test_a_refusal_says_what_to_do(self, status: HTTPStatus) -> None:
        server = self.server(key=KEY)
        server.refuses = status
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            error = await self._failure(self.provider(server.url, api_key=KEY, clock=SystemClock()))
        assert error.retryable is (status is not HTTPStatus.UNAUTHORIZED)
        assert KEY not in error.message
        assert error.next_step is not None
        if status is HTTPStatus.UNAUTHORIZED:
            assert self.key_variable in error.next_step

    async def test_a_wrong_key_is_refused(self) -> None:
        server = self.server(key=KEY)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            error = await self._failure(self.provider(server.url, api_key="sk-wrong", clock=SystemClock()))
        assert not error.retryable
        assert "sk-wrong" not in error.message

    async def test_nobody_there_is_an_error_of_the_provider(self) -> None:
        async with asyncio.timeout(PATIENCE_S), nothing_left():
            error = await self._failure(self.provider("ws://127.0.0.1:1", api_key=KEY, clock=SystemClock()))
        assert error.retryable

    async def test_a_complaint_fails_its_sentence_and_not_the_voice(self) -> None:
        async with self._call() as (provider, voice, server):
            server.orders.complain_after = 1
            with pytest.raises(ProviderError) as failure:
                await spoken(voice, "Something that it cannot say.")
            assert KEY not in failure.value.message
            server.orders.complain_after = None
            assert joined(await spoken(voice, "Hello.")) == sound("Hello.", provider.format)

    async def test_a_connection_lost_in_a_sentence_fails_it_and_the_next_is_spoken(self) -> None:
        async with self._call() as (provider, voice, server):
            server.orders.drop_after = 1
            with pytest.raises(ProviderError) as failure:
                await spoken(voice, "Something that is never said whole.")
            assert failure.value.retryable
            server.orders.drop_after = None
            assert joined(await spoken(voice, "Hello.")) == sound("Hello.", provider.format)

    async def test_a_connection_lost_before_the_first_sound_costs_the_sentence_nothing(self) -> None:
        async with self._call() as (provider, voice, server):
            await spoken(voice, "One.")
            server.orders.tears = 1
            assert joined(await spoken(voice, "Two.")) == sound("Two.", provider.format)
            assert server.orders.tears == 0
            (used,) = used_by(voice)
            assert used.characters == len("One.Two.")

    async def test_a_voice_that_falls_silent_is_given_up_and_the_next_sentence_is_spoken(self) -> None:
        clock = SkippingClock()
        async with self._call(clock=clock) as (provider, voice, server):
            server.orders.stall_after = 1
            async with aclosing(voice.synthesize("Something that is never said whole.")) as speech:
                await anext(speech)
                rest = asyncio.ensure_future(_all(speech))
                while not rest.done():  # times of words may still come
                    clock.skip(STALLED_S)
                    for _ in range(3):  # turns of the event loop in which timers ring
                        await asyncio.sleep(0)
                with pytest.raises(ProviderError) as failure:
                    await rest
            assert failure.value.retryable
            server.orders.stall_after = None
            assert joined(await spoken(voice, "Hello.")) == sound("Hello.", provider.format)

    async def test_another_voice_takes_over_in_the_middle(self) -> None:
        server = self.server(key=KEY)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            server.orders.drop_after = 1
            first = self.provider("ws://127.0.0.1:1", api_key=KEY, clock=SystemClock())
            provider = FallbackTTS(first, self.provider(server.url, api_key=KEY, clock=SystemClock()))
            server.orders.drop_after = None
            voice = await provider.open()
            assert joined(await spoken(voice, "Hello.")) == sound("Hello.", provider.format)
            await voice.close()
            await provider.close()

    # -- ends

    async def test_a_voice_may_be_closed_twice_also_while_it_speaks(self) -> None:
        async with self._call() as (_, voice, server):
            server.orders.stall_after = 1
            async with aclosing(voice.synthesize("A sentence that is not finished.")) as speech:
                await anext(speech)
            await voice.close()
            await voice.close()
            await server.quiet()

    # -- means

    @asynccontextmanager
    async def _call(
        self, *, clock: Clock | None = None, api_key: str = KEY
    ) -> AsyncIterator[tuple[TextToSpeech, Voice, VoiceServer]]:
        server = self.server(key=KEY)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            provider = self.provider(server.url, api_key=api_key, clock=clock or SystemClock())
            voice = await provider.open()
            try:
                yield provider, voice, server
            finally:
                await voice.close()
                await provider.close()

    async def _failure(self, provider: TextToSpeech) -> ProviderError:
        """What opening and first use fail with."""
        with pytest.raises(ProviderError) as failure:
            await _used_once(provider)
        await provider.close()
        return failure.value


async def _used_once(provider: TextToSpeech) -> None:
    voice = await provider.open()
    try:
        await spoken(voice, "Hello.")
    finally:
        await voice.close()


async def spoken(voice: Voice, text: str) -> list[SpeechChunk]:
    """All chunks of a sentence."""
    async with aclosing(voice.synthesize(text)) as speech:
        return await _all(speech)


async def _all(speech: AsyncIterator[SpeechChunk]) -> list[SpeechChunk]:
    return [chunk async for chunk in speech]


def joined(chunks: list[SpeechChunk]) -> bytes:
    """The sound of all of them."""
    return b"".join(chunk.audio for chunk in chunks)
