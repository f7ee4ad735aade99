"""The stand-ins for Cartesia are held honest by its official client, which reads what they send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cartesia import AsyncCartesia
from cartesia.lib._tts import AsyncTTSResourceConnection
from cartesia.types.stt import STTManualFinalizeTranscriptResponse
from cartesia.types.stt_error_response import STTErrorResponse
from cartesia.types.websocket_response import Chunk, Done, Error, Timestamps
from pydantic import BaseModel
from websockets.exceptions import InvalidStatus

from getpatter.audio.format import LINE, AudioFormat
from getpatter.testing.vendors.cartesia import CartesiaServer
from getpatter.testing.vendors.cartesia_speak import CartesiaSpeakServer
from getpatter.testing.vendors.socket_server import SocketServer
from getpatter.testing.vendors.speaker import sound

KEY = "sk_car_0123456789"
HALF_SECOND = b"\x7f" * 4000
VOICE: Any = {"id": "f786b574-daa5-4673-aa0c-cbe3e8534c02"}
OUTPUT: dict[str, Any] = {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000}
LISTEN: dict[str, Any] = {"model": "ink-whisper", "encoding": "pcm_mulaw", "sample_rate": 8000}


@pytest.fixture(autouse=True)
async def _patience(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with asyncio.timeout(60):
        yield


@asynccontextmanager
async def client(server: SocketServer, *, key: str = KEY) -> AsyncIterator[AsyncCartesia]:
    async with AsyncCartesia(
        api_key=key, base_url=server.url.replace("ws:", "http:"), websocket_base_url=server.url
    ) as cartesia:
        yield cartesia


def complete(message: BaseModel) -> None:
    """The client takes what comes without looking; here it has to have all that its type requires."""
    type(message).model_validate(message.model_dump())


# -- recognisers


async def test_the_client_has_its_audio_made_final() -> None:
    async with (
        CartesiaServer("Hello there.", "Bye.", key=KEY).running() as server,
        client(server) as cartesia,
        cartesia.stt.manual_finalize.websocket(**LISTEN, language="en") as socket,
    ):
        await socket.send_raw(HALF_SECOND)
        await socket.send("finalize")
        heard = [await socket.recv() for _ in range(4)]
        await socket.send_raw(HALF_SECOND)
        await socket.send("close")
        rest = [message async for message in socket]
    for message in (*heard, *rest):
        complete(message)
    assert [message.type for message in heard] == ["transcript", "transcript", "transcript", "flush_done"]
    assert [message.type for message in rest] == ["transcript", "transcript", "done"]
    finals = [m for m in heard if isinstance(m, STTManualFinalizeTranscriptResponse) and m.is_final]
    assert "".join(final.text for final in finals) == "Hello there."
    assert finals[-1].words is not None
    assert finals[-1].words[-1].end == [0.5]
    assert server.heard(server.sessions[0]) == HALF_SECOND * 2


async def test_the_client_is_answered_when_nothing_was_said() -> None:
    async with (
        CartesiaServer(key=KEY).running() as server,
        client(server) as cartesia,
        cartesia.stt.manual_finalize.websocket(**LISTEN) as socket,
    ):
        await socket.send("finalize")
        assert (await socket.recv()).type == "flush_done"


async def test_the_client_is_told_of_a_failure_in_the_middle() -> None:
    async with (
        CartesiaServer(key=KEY).running() as server,
        client(server) as cartesia,
        cartesia.stt.manual_finalize.websocket(**LISTEN) as socket,
    ):
        await server.complain(await server.connected())
        error = await socket.recv()
        complete(error)
        assert isinstance(error, STTErrorResponse)
        assert error.status_code == 500


async def test_commands_that_there_are_not_are_refused() -> None:
    async with (
        CartesiaServer(key=KEY).running() as server,
        client(server) as cartesia,
        cartesia.stt.manual_finalize.websocket(**LISTEN) as socket,
    ):
        await socket.send_raw("flush")
        error = await socket.recv()
        assert isinstance(error, STTErrorResponse)
        assert error.status_code == 400


@pytest.mark.parametrize(
    ("key", "wanted", "status"),
    [
        ("another", {}, 401),
        (KEY, {"model": "nova-3"}, 400),
        (KEY, {"encoding": "mulaw"}, 400),
        (KEY, {"language": "en-US"}, 400),
        (KEY, {"model": "ink-2", "language": "de"}, 400),
        (KEY, {"model": "ink-2", "min_volume": 0.1}, 400),
        (KEY, {"extra_query": {"interim_results": "true"}}, 400),
        (KEY, {"extra_headers": {"cartesia-version": "new"}}, 400),
    ],
)
async def test_the_recogniser_refuses_as_cartesia_does(key: str, wanted: dict[str, Any], status: int) -> None:
    async with CartesiaServer(key=KEY).running() as server, client(server, key=key) as cartesia:
        with pytest.raises(InvalidStatus) as refused:
            async with cartesia.stt.manual_finalize.websocket(**(LISTEN | wanted)):
                pass
    assert refused.value.response.status_code == status
    assert server.sessions == []


# -- voices


@asynccontextmanager
async def opened(server: CartesiaSpeakServer, *, key: str = KEY) -> AsyncIterator[AsyncTTSResourceConnection]:
    async with client(server, key=key) as cartesia, cartesia.tts.websocket_connect() as socket:
        yield socket


def order(**other: Any) -> Any:
    return {
        "context_id": "ours",
        "model_id": "sonic-3",
        "transcript": "Hello.",
        "voice": VOICE,
        "output_format": OUTPUT,
    } | other


async def test_the_client_hears_a_context_with_its_words() -> None:
    async with CartesiaSpeakServer(key=KEY).running() as server, opened(server) as socket:
        context = socket.context(model_id="sonic-3", voice=VOICE, output_format=OUTPUT, add_timestamps=True)
        await context.push("Hello ")
        await context.push("there.")
        await context.no_more_inputs()
        heard = [message async for message in context.receive()]
    for message in heard:
        complete(message)
    chunks = [message for message in heard if isinstance(message, Chunk)]
    assert b"".join(chunk.audio or b"" for chunk in chunks) == sound("Hello there.", LINE)
    times = [message.word_timestamps for message in heard if isinstance(message, Timestamps)]
    assert [word for time in times if time is not None for word in time.words] == ["Hello", "there."]
    assert isinstance(heard[-1], Done)


async def test_contexts_are_spoken_at_the_same_time() -> None:
    wide = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000}
    async with CartesiaSpeakServer(key=KEY).running() as server, opened(server) as socket:
        for name in ("a", "b"):
            manner = {"generation_config": {"speed": 1.1, "emotion": "calm"}}
            await socket.send(order(context_id=name, output_format=wide, **manner))
        heard: dict[str, bytes] = {"a": b"", "b": b""}
        done: list[str] = []
        while len(done) < 2:
            message = await socket.recv()
            if isinstance(message, Chunk):
                heard[message.context_id] += message.audio or b""
            elif isinstance(message, Done):
                done.append(message.context_id)
    assert heard["a"] == heard["b"] == sound("Hello.", AudioFormat("pcm16", 16_000))


async def test_the_client_cancels_a_context() -> None:
    async with CartesiaSpeakServer(key=KEY).running() as server, opened(server) as socket:
        server.orders.stall_after = 1
        await socket.send(order(transcript="Hello there."))
        assert (await socket.recv()).type == "chunk"
        await socket.context("ours").cancel()
        await server.until(lambda: server.orders.cancelled == ["Hello there."])


@pytest.mark.parametrize(
    "wrong",
    [
        {"model_id": "eleven_v3"},
        {"voice": {"mode": "id"}},
        {"output_format": OUTPUT | {"encoding": "mulaw"}},
        {"output_format": OUTPUT | {"sample_rate": 16_000}},
        {"output_format": OUTPUT | {"container": "wav"}},
        {"generation_config": {"speed": 2.0}},
        {"stability": 0.5},
    ],
)
async def test_the_voice_refuses_as_cartesia_does(wrong: dict[str, Any]) -> None:
    async with CartesiaSpeakServer(key=KEY).running() as server, opened(server) as socket:
        await socket.send(order(**wrong))
        error = await socket.recv()
        assert isinstance(error, Error)
        complete(error)
        assert (error.context_id, error.status_code) == ("ours", 400)
        await socket.send(order())
        assert isinstance(await socket.recv(), Chunk)


async def test_the_client_does_not_get_in_with_a_wrong_key() -> None:
    async with CartesiaSpeakServer(key=KEY).running() as server:
        with pytest.raises(InvalidStatus):
            async with opened(server, key="sk_car_wrong"):
                pass
    assert server.sessions == []
