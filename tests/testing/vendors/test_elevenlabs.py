"""The stand-in for ElevenLabs' voices, as ElevenLabs' own client and message types see it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from elevenlabs import VoiceSettings
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.types.audio_output_multi import AudioOutputMulti
from elevenlabs.types.close_context import CloseContext
from elevenlabs.types.close_socket import CloseSocket
from elevenlabs.types.final_output_multi import FinalOutputMulti
from elevenlabs.types.flush_context import FlushContext
from elevenlabs.types.initialise_context import InitialiseContext
from elevenlabs.types.initialize_connection_multi import InitializeConnectionMulti
from elevenlabs.types.keep_context_alive import KeepContextAlive
from elevenlabs.types.realtime_voice_settings import RealtimeVoiceSettings
from elevenlabs.types.send_text_multi import SendTextMulti
from pydantic import BaseModel
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.elevenlabs import ElevenLabsRestServer, ElevenLabsServer
from getpatter.testing.vendors.speaker import sound

KEY = "sk-0123456789"
VOICE = "21m00Tcm4TlvDq8ikWAM"
PATH = f"/v1/text-to-speech/{VOICE}/multi-stream-input"
ASKED = f"{PATH}?model_id=eleven_flash_v2_5&output_format=ulaw_8000&auto_mode=true&sync_alignment=true"
PATIENCE_S = 60.0


# -- requests


@asynccontextmanager
async def client(server: ElevenLabsRestServer, *, api_key: str = KEY) -> AsyncIterator[AsyncElevenLabs]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield AsyncElevenLabs(base_url=server.url, api_key=api_key, httpx_client=http)


async def test_the_client_streams_sound() -> None:
    async with ElevenLabsRestServer(key=KEY).running() as server, client(server) as eleven:
        speech = eleven.text_to_speech.stream(
            VOICE,
            text="Hello there.",
            model_id="eleven_v3",
            output_format="pcm_16000",
            language_code="en",
            voice_settings=VoiceSettings(stability=0.5, speed=1.1),
        )
        heard = b"".join([piece async for piece in speech])
    assert heard == sound("Hello there.", AudioFormat("pcm16", 16000))


async def test_the_client_reads_the_times_of_characters() -> None:
    async with ElevenLabsRestServer(key=KEY).running() as server, client(server) as eleven:
        speech = eleven.text_to_speech.stream_with_timestamps(
            VOICE, text="Hello there.", model_id="eleven_flash_v2_5", output_format="ulaw_8000"
        )
        pieces = [piece async for piece in speech]
    told = [piece.alignment for piece in pieces if piece.alignment is not None]
    assert "".join(character for times in told for character in times.characters) == "Hello there."
    starts = [start for times in told for start in times.character_start_times_seconds]
    assert starts == sorted(starts)
    assert all(piece.audio_base_64 for piece in pieces)


async def test_the_client_is_told_that_its_key_is_wrong() -> None:
    async with ElevenLabsRestServer(key=KEY).running() as server, client(server, api_key="sk-wrong") as eleven:
        with pytest.raises(ApiError) as refused:
            [piece async for piece in eleven.text_to_speech.stream(VOICE, text="Hello.", output_format="ulaw_8000")]
    assert refused.value.status_code == HTTPStatus.UNAUTHORIZED
    assert refused.value.body["detail"]["code"] == "invalid_api_key"


async def test_the_client_is_told_that_a_model_does_not_exist() -> None:
    async with ElevenLabsRestServer(key=KEY).running() as server, client(server) as eleven:
        speech = eleven.text_to_speech.stream(VOICE, text="Hello.", model_id="none", output_format="ulaw_8000")
        with pytest.raises(ApiError) as refused:
            [piece async for piece in speech]
    assert refused.value.body["detail"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/v1/text-to-speech/{VOICE}/stream?output_format=ulaw_8000", {"text": "Hi.", "modelId": "eleven_v3"}),
        (f"/v1/text-to-speech/{VOICE}/stream?output_format=g711", {"text": "Hi.", "model_id": "eleven_v3"}),
        (f"/v1/text-to-speech/{VOICE}/stream?output_format=ulaw_8000", {"model_id": "eleven_v3"}),
        (f"/v1/text-to-speech/{VOICE}/stream?outputFormat=ulaw_8000", {"text": "Hi.", "model_id": "eleven_v3"}),
        ("/v1/text-to-speech/rachel/stream?output_format=ulaw_8000", {"text": "Hi.", "model_id": "eleven_v3"}),
    ],
)
async def test_requests_that_the_vendor_would_refuse_are_refused(path: str, body: dict[str, str]) -> None:
    async with ElevenLabsRestServer().running() as server, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(server.url + path, json=body)).is_client_error


# -- the socket, in the types of the client library, which has no client for it


async def say(socket: ClientConnection, *messages: BaseModel) -> None:
    for message in messages:
        await socket.send(message.model_dump_json(exclude_none=True, by_alias=True))


async def heard(socket: ClientConnection) -> list[AudioOutputMulti | FinalOutputMulti]:
    """All up to the first end of a context."""
    said: list[AudioOutputMulti | FinalOutputMulti] = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in socket:
            told = json.loads(message)
            if told.get("isFinal"):
                return [*said, FinalOutputMulti.model_validate(told)]
            said.append(AudioOutputMulti.model_validate(told))
    raise AssertionError("the socket was closed before a context was")


def sentence(name: str, text: str) -> list[BaseModel]:
    return [
        InitialiseContext(text=f"{text} ", context_id=name),
        FlushContext(context_id=name, flush=True),
        CloseContext(context_id=name, close_context=True),
    ]


@asynccontextmanager
async def opened(server: ElevenLabsServer, *, path: str = ASKED, key: str = KEY) -> AsyncIterator[ClientConnection]:
    async with connect(server.url + path, additional_headers={"xi-api-key": key}, proxy=None) as socket:
        yield socket


async def complaint(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while "error" not in (told := json.loads(await socket.recv())):
            pass
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == told["code"] == 1008
    return dict(told)


async def test_a_context_is_spoken_and_said_to_be_final() -> None:
    async with ElevenLabsServer(key=KEY).running() as server, opened(server) as socket:
        settings = RealtimeVoiceSettings(stability=0.5)
        await say(socket, InitializeConnectionMulti(context_id="idle", voice_settings=settings))
        await say(socket, KeepContextAlive(context_id="idle"), *sentence("s1", "Hello there."))
        *pieces, end = await heard(socket)
    assert (end.context_id, {piece.context_id for piece in pieces}) == ("s1", {"s1"})
    assert isinstance(pieces[0], AudioOutputMulti)
    assert pieces[0].alignment is not None
    assert pieces[0].alignment.chars == ["H", "e"]


async def test_a_flush_alone_is_not_the_end_of_a_context() -> None:
    async with ElevenLabsServer(key=KEY).running() as server, opened(server) as socket:
        await say(socket, SendTextMulti(text="One. ", context_id="s1", flush=True))
        await say(socket, SendTextMulti(text="Two. ", context_id="s1", flush=True))
        await say(socket, *sentence("s2", "Three."))
        pieces = await heard(socket)
        assert pieces[-1].context_id == "s2"
        await say(socket, CloseSocket(close_socket=True))
        async for _ in socket:
            pass
        assert server.orders.spoken == ["One.", "Two.", "Three."]


async def test_what_is_flushed_is_spoken_although_its_context_is_closed() -> None:
    async with ElevenLabsServer(key=KEY).running() as server, opened(server) as socket:
        await say(socket, *sentence("s1", "Hello there."), CloseSocket(close_socket=True))
        pieces = [piece for piece in await heard(socket) if isinstance(piece, AudioOutputMulti)]
    assert len(pieces) == len("Hello there.") / 2


async def test_what_is_not_flushed_is_dropped_with_its_context() -> None:
    async with ElevenLabsServer(key=KEY).running() as server, opened(server) as socket:
        await say(socket, SendTextMulti(text="Never said. ", context_id="s1"))
        await say(socket, CloseContext(context_id="s1", close_context=True))
        assert len(await heard(socket)) == 1
        assert server.orders.spoken == []


async def test_a_sixth_context_is_one_too_many() -> None:
    async with ElevenLabsServer(key=KEY).running() as server, opened(server) as socket:
        await say(socket, *(InitialiseContext(text="Hi. ", context_id=f"s{number}") for number in range(6)))
        assert (await complaint(socket))["error"] == "max_active_conversations"


async def test_a_wrong_key_is_told_on_the_open_socket() -> None:
    async with ElevenLabsServer(key=KEY).running() as server, opened(server, key="sk-wrong") as socket:
        assert (await complaint(socket))["error"] == "invalid_api_key"


@pytest.mark.parametrize(
    "message",
    [
        {"text": "Hi. ", "contextId": "s1"},
        {"text": "", "context_id": "never begun"},
        {"flush": True, "context_id": "never begun"},
        {"text": "Hi. ", "context_id": "idle", "voice_settings": {"speed": 1.2}},
    ],
)
async def test_messages_that_the_vendor_would_refuse_are_refused(message: dict[str, object]) -> None:
    async with ElevenLabsServer(key=KEY).running() as server, opened(server) as socket:
        await say(socket, InitializeConnectionMulti(context_id="idle"))
        await socket.send(json.dumps(message))
        assert (await complaint(socket))["error"] == "invalid_message"


@pytest.mark.parametrize(
    "path",
    [
        f"{PATH}?model_id=eleven_v3",
        f"{PATH}?model_id=eleven_flash_v2_5&output_format=mulaw_8000",
        f"{PATH}?model_id=eleven_flash_v2_5&inactivity_timeout=181",
        f"{PATH}?model=eleven_flash_v2_5",
        "/v1/text-to-speech/rachel/multi-stream-input",
    ],
)
async def test_addresses_that_the_vendor_would_refuse_are_refused(path: str) -> None:
    async with ElevenLabsServer(key=KEY).running() as server:
        with pytest.raises(InvalidStatus):
            async with opened(server, path=path):
                pass
