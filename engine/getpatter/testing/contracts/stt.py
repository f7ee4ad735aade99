"""What every recogniser that is reached over the network has to do, and what those have to by a WebSocket."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import pytest

from getpatter.clock import Clock, SystemClock
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import used_by
from getpatter.stt.base import Recognition, SpeechHints, SpeechToText, Transcript
from getpatter.stt.fallback import FallbackSTT
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.vendors.recogniser import RecogniserServer

KEY = "sk-contract-0123456789"
PATIENCE_S = 60.0
"""A test that waits longer has found a fault; none waits for a hundredth of it."""
SILENT_S = 6.0
"""A vendor that said nothing for so long has nothing to say."""


class StandIn(Protocol):
    """What stands in for a vendor, by HTTP or WebSocket."""

    refuses: HTTPStatus | None

    @property
    def url(self) -> str: ...

    @property
    def audio(self) -> bytes:
        """All that came, over all connections."""

    def running(self) -> AbstractAsyncContextManager[Any]: ...

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at whenever anything came."""


Server = TypeVar("Server", bound=StandIn)


class RecogniserContract(ABC, Generic[Server]):
    """What all have to do; `SttContract` and `contracts.utterance` say what is to be inherited."""

    key_variable: ClassVar[str]
    """Where the vendor's key is looked for."""
    bills_sessions: ClassVar[bool] = False
    """The vendor is paid for the time that a session is open."""

    @abstractmethod
    def server(self, *utterances: str, key: str = "") -> Server:
        """What stands in for the vendor."""

    @abstractmethod
    def provider(self, url: str, *, api_key: str, clock: Clock) -> SpeechToText:
        """The adapter, led to the server; with an empty `api_key` it looks for its variable."""

    def on_the_wire(self, audio: bytes) -> bytes:
        """What the server is to have of this audio."""
        return audio

    # -- words

    async def test_a_final_transcript_answers_each_request(self) -> None:
        async with self._call("Hello there.", "Goodbye.") as (provider, recognition, _):
            for expected in ("Hello there.", "Goodbye."):
                recognition.send(speech(provider, 0.5))
                recognition.finalize()
                assert await answer(recognition) == expected

    async def test_a_request_with_nothing_to_transcribe_is_answered_with_nothing(self) -> None:
        async with self._call("Hello.") as (provider, recognition, _):
            recognition.finalize()
            assert await answer(recognition) == ""
            recognition.send(speech(provider, 0.5))
            recognition.finalize()
            assert await answer(recognition) == "Hello."
            recognition.finalize()
            assert await answer(recognition) == ""

    async def test_audio_in_which_nothing_is_understood_is_answered_with_nothing(self) -> None:
        clock = SkippingClock()
        async with self._call(clock=clock) as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            recognition.finalize()
            await server.until(lambda: len(server.audio) >= len(speech(provider, 0.5)))
            clock.skip(SILENT_S)
            assert await answer(recognition) == ""

    async def test_words_come_as_they_were_said_in_every_script(self) -> None:
        words = "Grüß Gott, señor – 東京 👋 “quoted”"
        async with self._call(words) as (provider, recognition, _):
            recognition.send(speech(provider, 0.5))
            recognition.finalize()
            assert await answer(recognition) == words

    # -- audio

    async def test_all_audio_arrives_however_it_is_cut(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            audio = speech(provider, 1.0)
            for size in (1, 2, 320, 17, 9_999):
                recognition.send(audio[:size])
                audio = audio[size:]
            recognition.send(audio)
            recognition.finalize()
            await answer(recognition)
            assert server.audio == self.on_the_wire(speech(provider, 1.0))

    async def test_a_minute_at_once_arrives(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            recognition.send(speech(provider, 60.0))
            recognition.finalize()
            await answer(recognition)
            assert server.audio == self.on_the_wire(speech(provider, 60.0))

    async def test_what_is_paid_for_is_counted(self) -> None:
        clock = SkippingClock()
        async with self._call("Hello.", clock=clock) as (provider, recognition, _):
            recognition.send(speech(provider, 2.0))
            recognition.finalize()
            await answer(recognition)
            if self.bills_sessions:
                clock.skip(2.0)
            (used,) = used_by(recognition)
            assert used.product.vendor
            assert used.seconds == pytest.approx(2.0, abs=1.0)

    # -- secrets

    async def test_a_missing_key_is_told_when_the_provider_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(self.key_variable, raising=False)
        with pytest.raises(ConfigurationError) as missing:
            self.provider("ws://127.0.0.1:1", api_key="", clock=SystemClock())
        assert self.key_variable in str(missing.value.next_step)

    async def test_the_key_is_taken_from_its_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(self.key_variable, KEY)
        async with self._call("Hello.", api_key="") as (provider, recognition, _):
            recognition.send(speech(provider, 0.5))
            recognition.finalize()
            assert await answer(recognition) == "Hello."

    async def test_the_key_is_shown_nowhere(self) -> None:
        async with self._call("Hello.") as (provider, recognition, _):
            for shown in (provider.name, repr(provider), recognition.name, repr(recognition)):
                assert KEY not in shown

    # -- failures

    @pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY])
    async def test_a_refusal_says_what_to_do(self, status: HTTPStatus) -> None:
        server = self.server("Hello.", key=KEY)
        server.refuses = status
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            error = await self._failure(self.provider(server.url, api_key=KEY, clock=SystemClock()))
        assert error.retryable is (status is not HTTPStatus.UNAUTHORIZED)
        assert KEY not in error.message
        assert error.next_step is not None
        if status is HTTPStatus.UNAUTHORIZED:
            assert self.key_variable in error.next_step

    async def test_a_wrong_key_is_refused(self) -> None:
        server = self.server("Hello.", key=KEY)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            error = await self._failure(self.provider(server.url, api_key="sk-wrong", clock=SystemClock()))
        assert not error.retryable
        assert "sk-wrong" not in error.message

    async def test_nobody_there_is_an_error_of_the_provider(self) -> None:
        async with asyncio.timeout(PATIENCE_S), nothing_left():
            provider = self.provider("ws://127.0.0.1:1", api_key=KEY, clock=SystemClock())
            error = await self._failure(provider)
        assert error.retryable

    # -- ends

    async def test_nothing_happens_when_audio_comes_after_the_end(self) -> None:
        async with self._call("Hello.") as (provider, recognition, _):
            await recognition.close()
            recognition.send(speech(provider, 0.5))
            recognition.finalize()

    # -- means

    @asynccontextmanager
    async def _call(
        self, *utterances: str, clock: Clock | None = None, api_key: str = KEY
    ) -> AsyncIterator[tuple[SpeechToText, Recognition, Server]]:
        server = self.server(*utterances, key=KEY)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            provider = self.provider(server.url, api_key=api_key, clock=clock or SystemClock())
            recognition = await provider.open(SpeechHints())
            try:
                yield provider, recognition, server
            finally:
                await recognition.close()
                await provider.close()

    async def _failure(self, provider: SpeechToText) -> ProviderError:
        """What opening and first use fail with."""
        with pytest.raises(ProviderError) as failure:
            await _used_once(provider)
        await provider.close()
        return failure.value


class SttContract(RecogniserContract[RecogniserServer]):
    """For what is reached by a WebSocket.  Inherit it in a class whose name begins with `Test`, and say what is
    tested."""

    opens_late: ClassVar[bool] = False
    """There is no session before the first audio, though the audio is what is paid for."""
    keep_alive_s: ClassVar[float | None] = None
    """After so long a pause the vendor wants to hear that somebody is there."""

    # -- beginnings

    async def test_no_audio_is_lost_while_the_vendor_is_slow_to_begin(self) -> None:
        server = self.server("Hello.", key=KEY)
        server.begins = asyncio.Event()
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            provider = self.provider(server.url, api_key=KEY, clock=SystemClock())
            opening = asyncio.create_task(provider.open(SpeechHints()))
            if not self._waits_for_audio:
                await server.connected()
                server.begins.set()
            recognition = await opening
            recognition.send(speech(provider, 0.5))
            recognition.finalize()
            await server.connected()
            server.begins.set()
            assert await answer(recognition) == "Hello."
            assert server.heard(server.sessions[0]) == speech(provider, 0.5)
            await recognition.close()
            await provider.close()

    async def test_ringing_costs_nothing(self) -> None:
        """A session that is paid for by time is not begun before there is somebody to hear."""
        async with self._call("Hello.") as (provider, recognition, server):
            assert server.sessions == [] if self._waits_for_audio else server.heard(await server.connected()) == b""
            assert all(used.seconds == 0 for used in used_by(recognition)) or not self.bills_sessions
            recognition.send(speech(provider, 0.5))
            await server.connected()

    # -- failures

    async def test_a_complaint_in_the_middle_ends_the_recognition(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            await server.complain(session)
            with pytest.raises(ProviderError) as failure:
                await answer(recognition)
            assert recognition.name in failure.value.message
            assert KEY not in failure.value.message

    async def test_what_cannot_be_read_ends_the_recognition(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            await session.send('{"type": ')
            with pytest.raises(ProviderError):
                await answer(recognition)

    async def test_a_lost_connection_may_be_tried_again(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            session.drop()
            with pytest.raises(ProviderError) as failure:
                await answer(recognition)
            assert failure.value.retryable

    async def test_after_a_loss_what_was_not_answered_is_heard_again(self) -> None:
        server = self.server("Hello.", key=KEY)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            primary = self.provider(server.url, api_key=KEY, clock=SystemClock())
            provider = FallbackSTT(primary)
            recognition = await provider.open(SpeechHints())
            reading = asyncio.create_task(answer(recognition))
            recognition.send(speech(primary, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            session.drop()
            again = await server.connected(2)
            recognition.finalize()
            assert await reading == "Hello."
            assert server.heard(again) == speech(primary, 0.5)
            await recognition.close()
            await provider.close()

    # -- ends

    async def test_a_recognition_may_be_closed_twice_and_its_transcripts_end(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            reading = asyncio.create_task(rest(recognition))
            await recognition.close()
            await recognition.close()
            assert [transcript for transcript in await reading if transcript.from_finalize] == []
            await session.closed.wait()

    async def test_a_pause_is_bridged(self) -> None:
        if self.keep_alive_s is None:
            pytest.skip("this vendor waits")
        clock = SkippingClock()
        async with self._call("Hello.", clock=clock) as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            said = len(session.received)
            clock.skip(self.keep_alive_s)
            await server.until(lambda: len(session.received) > said)

    # -- means

    @property
    def _waits_for_audio(self) -> bool:
        return self.bills_sessions or self.opens_late


async def _used_once(provider: SpeechToText) -> None:
    recognition = await provider.open(SpeechHints())
    try:
        recognition.send(speech(provider, 0.5))
        recognition.finalize()
        await answer(recognition)
    finally:
        await recognition.close()


def speech(provider: SpeechToText, seconds: float) -> bytes:
    """Something that is no silence, of this length in the provider's format."""
    return bytes(range(1, 251)) * int(seconds * provider.format.bytes_per_second / 250)


async def answer(recognition: Recognition) -> str:
    """The words up to the answer to a request."""
    words = []
    async for transcript in recognition.transcripts():
        if transcript.final and transcript.text:
            words.append(transcript.text)
        if transcript.from_finalize:
            break
    return " ".join(words)


async def rest(recognition: Recognition) -> list[Transcript]:
    """All transcripts until the recognition is closed."""
    return [transcript async for transcript in recognition.transcripts()]
