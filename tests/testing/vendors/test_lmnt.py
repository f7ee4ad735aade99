"""The stand-ins for LMNT are held honest by its official client, which reads what they send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from lmnt import AsyncLmnt
from lmnt._exceptions import APIStatusError
from lmnt.resources.sessions import SpeechSession
from lmnt.types.speech_session_audio import SpeechSessionAudio
from lmnt.types.speech_session_error import SpeechSessionError
from lmnt.types.speech_session_flush_complete import SpeechSessionFlushComplete
from lmnt.types.speech_session_ready import SpeechSessionReady
from lmnt.types.speech_session_reset_complete import SpeechSessionResetComplete
from lmnt.types.speech_session_timestamps import SpeechSessionTimestamps
from pydantic import BaseModel

from getpatter.audio.format import LINE, AudioFormat
from getpatter.testing.vendors.lmnt import LmntRestServer, LmntServer, wav_header
from getpatter.testing.vendors.speaker import sound

KEY = "lmnt-0123456789"
ULAW: Any = {"voice": "leah", "format": "ulaw", "sample_rate": 8000}


@pytest.fixture(autouse=True)
async def _patience(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with asyncio.timeout(60):
        yield


@asynccontextmanager
async def client(url: str, *, key: str = KEY) -> AsyncIterator[AsyncLmnt]:
    async with AsyncLmnt(api_key=key, base_url=url.replace("ws:", "http:"), max_retries=0) as lmnt:
        yield lmnt


@asynccontextmanager
async def begun(server: LmntServer, *, key: str = KEY, **options: Any) -> AsyncIterator[SpeechSession]:
    async with client(server.url, key=key) as lmnt:
        session = await lmnt.speech.sessions.create(**(ULAW | options))
        try:
            yield session
        finally:
            await session.close()


async def until(session: SpeechSession, kind: type[BaseModel]) -> list[BaseModel]:
    """All up to the first of this kind, with all that their types require."""
    told: list[BaseModel] = []
    async for message in session:
        type(message).model_validate(message.model_dump())
        told.append(message)
        if isinstance(message, kind):
            return told
    raise AssertionError(f"there was no {kind.__name__}")


def audio(told: list[BaseModel]) -> bytes:
    return b"".join(message.audio for message in told if isinstance(message, SpeechSessionAudio))


# -- sessions


async def test_the_client_hears_what_it_flushes_with_the_times_of_words() -> None:
    async with LmntServer(key=KEY).running() as server, begun(server, return_timestamps=True) as session:
        await until(session, SpeechSessionReady)
        await session.send_text("Hello ")
        await session.send_text("there.")
        nonce = await session.send_flush()
        told = await until(session, SpeechSessionFlushComplete)
    assert isinstance(told[-1], SpeechSessionFlushComplete)
    assert told[-1].nonce == nonce
    assert audio(told) == wav_header() + sound("Hello there.", LINE)
    stamps = [message for message in told if isinstance(message, SpeechSessionTimestamps)]
    times = [SpeechSessionTimestamps.model_validate(stamp.model_dump()).timestamps or [] for stamp in stamps]
    assert [time.text for each in times for time in each] == ["Hello", "there."]


async def test_the_client_resets_what_it_did_not_flush() -> None:
    async with LmntServer(key=KEY).running() as server, begun(server, format="pcm_s16le") as session:
        await session.send_text("Not this.")
        nonce = await session.send_reset()
        reset = (await until(session, SpeechSessionResetComplete))[-1]
        assert isinstance(reset, SpeechSessionResetComplete)
        assert reset.nonce == nonce
        await session.send_text("But that.")
        await session.send_finish()
        told: list[BaseModel] = [message async for message in session]
    assert audio(told) == sound("But that.", AudioFormat("pcm16", 8000))


async def test_the_client_is_told_of_a_failure_in_the_middle() -> None:
    async with LmntServer(key=KEY).running() as server, begun(server) as session:
        await until(session, SpeechSessionReady)
        await server.complain(server.sessions[0])
        await until(session, SpeechSessionError)


@pytest.mark.parametrize(
    ("key", "wrong", "kind"),
    [
        ("another", {}, "authentication_error"),
        (KEY, {"format": "mulaw"}, "invalid_request_error"),
        (KEY, {"sample_rate": 44_100}, "invalid_request_error"),
        (KEY, {"language": "de-DE"}, "invalid_request_error"),
        (KEY, {"voice": ""}, "invalid_request_error"),
    ],
)
async def test_sessions_are_refused_as_lmnt_does(key: str, wrong: dict[str, Any], kind: str) -> None:
    async with LmntServer(key=KEY).running() as server, begun(server, key=key, **wrong) as session:
        error = (await until(session, SpeechSessionError))[-1]
        assert isinstance(error, SpeechSessionError)
        assert SpeechSessionError.model_validate(error.model_dump()).error.type == kind


# -- requests


async def test_the_client_streams_sound() -> None:
    async with (
        LmntRestServer(key=KEY).running() as server,
        client(server.url) as lmnt,
        lmnt.speech.with_streaming_response.generate(
            text="Hello there.", model="blizzard", language="en", temperature=0.7, top_p=0.9, **ULAW
        ) as answer,
    ):
        heard = b"".join([piece async for piece in answer.iter_bytes()])
    assert heard == wav_header() + sound("Hello there.", LINE)


@pytest.mark.parametrize(
    ("key", "wrong", "status"),
    [
        ("another", {}, 401),
        (KEY, {"format": "raw"}, 400),
        (KEY, {"model": "aurora"}, 400),
        (KEY, {"text": "x" * 5001}, 400),
        (KEY, {"extra_body": {"speed": 1.0}}, 400),
    ],
)
async def test_requests_are_refused_as_lmnt_does(key: str, wrong: dict[str, Any], status: int) -> None:
    async with LmntRestServer(key=KEY).running() as server, client(server.url, key=key) as lmnt:
        with pytest.raises(APIStatusError) as refused:
            await lmnt.speech.generate(**({"text": "Hello."} | ULAW | wrong))
    assert refused.value.status_code == status
    assert server.requests == []
