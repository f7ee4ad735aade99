"""OpenAI's official client speaks to the stand-in for transcription sessions; every event is valid by its types."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import TypeAdapter

from getpatter.testing.vendors.openai_listen import OpenAIListenServer

openai = pytest.importorskip("openai", reason="the official client is not installed")
realtime = pytest.importorskip("openai.types.realtime")
exceptions = pytest.importorskip("websockets.exceptions")

STRICT: TypeAdapter[Any] = TypeAdapter(realtime.RealtimeServerEvent)
HALF_SECOND = base64.b64encode(b"\x55" * 4000).decode()
ABOUT = "conversation.item.input_audio_transcription"


@pytest.fixture(autouse=True)
async def _patience() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


@asynccontextmanager
async def client_of(server: OpenAIListenServer, key: str = "k", **query: str) -> AsyncIterator[Any]:
    async with (
        openai.AsyncOpenAI(api_key=key, websocket_base_url=f"{server.url}/v1") as client,
        client.realtime.connect(extra_query=query or {"intent": "transcription"}, max_retries=0) as connection,
    ):
        yield connection


async def read(connection: Any) -> Any:
    """The next event."""
    return STRICT.validate_json(await connection.recv_bytes(), strict=False)


def session(model: str = "gpt-4o-transcribe", **more: Any) -> dict[str, Any]:
    heard = {"format": {"type": "audio/pcmu"}, "transcription": {"model": model}, "turn_detection": None}
    return {"type": "transcription", "audio": {"input": heard | more}}


async def begin(connection: Any, **settings: Any) -> Any:
    """The first session, and the one that was asked for."""
    created = await read(connection)
    await connection.session.update(session=session(**settings))
    updated = await read(connection)
    assert (created.type, updated.type) == ("session.created", "session.updated")
    return created.session, updated.session


async def test_a_session_is_configured() -> None:
    async with OpenAIListenServer(key="k").running() as server, client_of(server) as connection:
        before, after = await begin(connection, noise_reduction={"type": "far_field"})
    assert before.type == after.type == "transcription"
    assert before.audio.input.turn_detection.type == "server_vad"
    assert after.audio.input.format.type == "audio/pcmu"
    assert after.audio.input.turn_detection is None
    assert after.audio.input.noise_reduction.type == "far_field"
    assert after.audio.input.transcription.model == "gpt-4o-transcribe"


async def test_what_is_committed_is_transcribed() -> None:
    async with OpenAIListenServer("Hello there.", "Bye.", key="k").running() as server, client_of(server) as connection:
        await begin(connection)
        for text in ("Hello there.", "Bye."):
            await connection.input_audio_buffer.append(audio=HALF_SECOND)
            await connection.input_audio_buffer.commit()
            committed = await read(connection)
            assert committed.type == "input_audio_buffer.committed"
            deltas = [await read(connection) for _ in text.split()]
            assert "".join(delta.delta for delta in deltas) == text
            completed = await read(connection)
            assert completed.type == f"{ABOUT}.completed"
            assert (completed.item_id, completed.transcript) == (committed.item_id, text)
            assert completed.usage.input_token_details.audio_tokens == 17
        assert len(server.heard(server.sessions[0])) == 8000


@pytest.mark.parametrize(
    ("model", "kind", "languages"), [("whisper-1", "duration", None), ("gpt-transcribe", "duration", ["en"])]
)
async def test_models_count_and_tell_differently(model: str, kind: str, languages: list[str] | None) -> None:
    async with OpenAIListenServer("Hello.", key="k").running() as server, client_of(server) as connection:
        await begin(connection, model=model)
        await connection.input_audio_buffer.append(audio=HALF_SECOND)
        await connection.input_audio_buffer.commit()
        completed = [await read(connection) for _ in range(3)][-1]
    assert completed.usage.type == kind
    assert (completed.languages and [language.code for language in completed.languages]) == languages


async def test_a_dropped_buffer_cannot_be_committed() -> None:
    async with OpenAIListenServer(key="k").running() as server, client_of(server) as connection:
        await begin(connection)
        await connection.input_audio_buffer.append(audio=HALF_SECOND)
        await connection.input_audio_buffer.clear()
        assert (await read(connection)).type == "input_audio_buffer.cleared"
        await connection.input_audio_buffer.commit(event_id="mine")
        error = (await read(connection)).error
    assert (error.code, error.event_id) == ("input_audio_buffer_commit_empty", "mine")


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "realtime"},
        session("gpt-9"),
        session(transcription={"model": "gpt-4o-transcribe", "keywords": ["Patter"]}),
        session(transcription={"model": "gpt-realtime-whisper", "prompt": "A menu."}),
        session(transcription={"model": "whisper-1", "delay": "low"}),
        session(transcription={"model": "whisper-1", "language": "english"}),
        session(transcription={"model": "gpt-realtime-whisper"}, turn_detection={"type": "server_vad"}),
        session(format={"type": "audio/opus"}),
        session(format={"type": "audio/pcm", "rate": 16_000}),
        session(noise_reduction={"type": "none"}),
        session(wisdom=True),
    ],
)
async def test_settings_are_refused_as_openai_does(wrong: Any) -> None:
    async with OpenAIListenServer(key="k").running() as server, client_of(server) as connection:
        await read(connection)
        await connection.session.update(session=wrong, event_id="mine")
        event = await read(connection)
    assert event.type == "error"
    assert (event.error.type, event.error.event_id) == ("invalid_request_error", "mine")


async def test_an_audio_message_without_base64_is_refused() -> None:
    async with OpenAIListenServer(key="k").running() as server, client_of(server) as connection:
        await begin(connection)
        await connection.input_audio_buffer.append(audio="*")
        assert (await read(connection)).error.param == "audio"


async def test_failures_are_told_in_openais_words() -> None:
    async with OpenAIListenServer(key="k").running() as server, client_of(server) as connection:
        await begin(connection)
        error = {"type": "server_error", "code": None, "message": "Input transcription failed.", "param": None}
        await server.tell(server.sessions[0], f"{ABOUT}.failed", item_id="item_1", content_index=0, error=error)
        assert (await read(connection)).error.type == "server_error"
        await server.complain(server.sessions[0])
        assert (await read(connection)).error.type == "server_error"
        with pytest.raises(exceptions.ConnectionClosed):
            await connection.recv_bytes()


async def test_a_wrong_key_is_refused() -> None:
    async with OpenAIListenServer(key="k").running() as server:
        with pytest.raises(exceptions.InvalidStatus) as refused:
            async with client_of(server, key="another"):
                pass
    assert refused.value.response.status_code == 401


async def test_a_session_needs_its_intent() -> None:
    async with OpenAIListenServer(key="k").running() as server, client_of(server, model="whisper-1") as connection:
        assert (await read(connection)).error.code == "missing_model"
