"""The stand-in for ElevenLabs' recogniser, as ElevenLabs' own client sees it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from elevenlabs import AudioFormat, CommitStrategy, RealtimeConnection, RealtimeEvents
from elevenlabs.realtime import ScribeRealtime
from elevenlabs.types.committed_transcript_with_timestamps_payload import CommittedTranscriptWithTimestampsPayload
from elevenlabs.types.session_started_payload import SessionStartedPayload
from websockets.asyncio.client import connect

from getpatter.testing.vendors.elevenlabs_scribe import ElevenLabsScribeServer

KEY = "sk-0123456789"
AUDIO = bytes(range(1, 251)) * 16
"""Half a second of the telephone's."""
PATIENCE_S = 60.0


class Heard:
    """What the client told its listeners."""

    def __init__(self, connection: RealtimeConnection) -> None:
        self._events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        for event in RealtimeEvents:
            connection.on(event, lambda *told, name=event.value: self._events.put_nowait((name, *told)))

    async def until(self, name: str) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while (event := await self._events.get())[0] != name:
                pass
        return event[1]


@asynccontextmanager
async def session(
    server: ElevenLabsScribeServer, *, api_key: str = KEY, **options: Any
) -> AsyncIterator[tuple[RealtimeConnection, Heard]]:
    scribe = ScribeRealtime(api_key, base_url=server.url)
    asked: Any = {
        "model_id": "scribe_v2_realtime",
        "audio_format": AudioFormat.ULAW_8000,
        "sample_rate": 8000,
        "commit_strategy": CommitStrategy.MANUAL,
        **options,
    }
    connection = await scribe.connect(asked)
    try:
        yield connection, Heard(connection)
    finally:
        await connection.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def test_the_client_has_its_audio_transcribed_when_it_commits() -> None:
    async with ElevenLabsScribeServer("Hello there.", key=KEY).running() as server:
        async with session(server, language_code="en", keyterms=["Patter"]) as (scribe, heard):
            started = SessionStartedPayload.model_validate(await heard.until("session_started"))
            assert started.config.keyterms == ["Patter"]
            await scribe.send({"audio_base_64": base64.b64encode(AUDIO).decode(), "previous_text": "Hi."})
            await scribe.commit()
            assert (await heard.until("partial_transcript"))["text"] == "Hello there."
            assert (await heard.until("committed_transcript"))["text"] == "Hello there."
        assert server.heard(server.sessions[0]) == AUDIO


async def test_the_client_reads_word_times() -> None:
    async with (
        ElevenLabsScribeServer("Hello there.", key=KEY).running() as server,
        session(server, include_timestamps=True) as (scribe, heard),
    ):
        await scribe.send({"audio_base_64": base64.b64encode(AUDIO).decode()})
        await scribe.commit()
        told = await heard.until("committed_transcript_with_timestamps")
    transcript = CommittedTranscriptWithTimestampsPayload.model_validate(told)
    assert [(word.text, word.type) for word in transcript.words or ()] == [
        ("Hello", "word"),
        (" ", "spacing"),
        ("there.", "word"),
    ]


async def test_the_client_is_told_that_it_commits_too_little() -> None:
    async with ElevenLabsScribeServer("Hello.", key=KEY).running() as server, session(server) as (scribe, heard):
        await scribe.send({"audio_base_64": base64.b64encode(AUDIO[:800]).decode()})
        await scribe.commit()
        assert "uncommitted" in (await heard.until("commit_throttled"))["error"]
        await scribe.send({"audio_base_64": base64.b64encode(AUDIO).decode()})
        await scribe.commit()
        assert (await heard.until("committed_transcript"))["text"] == "Hello."


async def test_the_client_is_told_that_its_key_is_wrong() -> None:
    async with ElevenLabsScribeServer(key=KEY).running() as server, session(server, api_key="sk-wrong") as (_, heard):
        assert await heard.until("auth_error")
        assert (await heard.until("close"))["reason"] == "auth_error"


async def test_the_client_is_told_of_a_failure_in_the_middle() -> None:
    async with ElevenLabsScribeServer(key=KEY).running() as server, session(server) as (_, heard):
        await heard.until("session_started")
        await server.complain(server.sessions[0])
        assert await heard.until("transcriber_error")


@pytest.mark.parametrize(
    "query",
    [
        "model_id=scribe_v1&audio_format=ulaw_8000",
        "model_id=scribe_v2_realtime&audio_format=mulaw",
        "model_id=scribe_v2_realtime",
        "model_id=scribe_v2_realtime&audio_format=ulaw_8000&commit=manual",
        "model_id=scribe_v2_realtime&audio_format=ulaw_8000&keyterms=a+term+of+far+too+many+letters",
    ],
)
async def test_addresses_that_the_vendor_would_refuse_are_refused(query: str) -> None:
    async with (
        ElevenLabsScribeServer().running() as server,
        connect(f"{server.url}/v1/speech-to-text/realtime?{query}", proxy=None) as socket,
    ):
        assert json.loads(await socket.recv())["message_type"] == "invalid_request"


@pytest.mark.parametrize(
    "message",
    [
        {"message_type": "commit"},
        {"message_type": "input_audio_chunk", "audio_base_64": "", "sample_rate": 8000},
        {"message_type": "input_audio_chunk", "audio_base_64": "", "commit": True, "sample_rate": 16000},
        {"message_type": "input_audio_chunk", "audio_base_64": "@", "commit": False, "sample_rate": 8000},
        {"message_type": "input_audio_chunk", "audio": "", "commit": False, "sample_rate": 8000},
    ],
)
async def test_messages_that_the_vendor_would_refuse_are_refused(message: dict[str, object]) -> None:
    async with ElevenLabsScribeServer().running() as server:
        address = f"{server.url}/v1/speech-to-text/realtime?model_id=scribe_v2_realtime&audio_format=ulaw_8000"
        async with connect(address, proxy=None) as socket:
            await socket.recv()
            await socket.send(json.dumps(message))
            assert json.loads(await socket.recv())["message_type"] == "input_error"
