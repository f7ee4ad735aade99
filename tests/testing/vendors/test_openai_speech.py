"""OpenAI's official client speaks to the stand-in for its voices."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from getpatter.testing.vendors.openai_speech import PCM, USAGE, OpenAISpeechServer
from getpatter.testing.vendors.speaker import sound

openai = pytest.importorskip("openai", reason="the official client is not installed")

WANTED = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hello there.", "response_format": "pcm"}


@pytest.fixture(autouse=True)
async def _patience() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


async def pieces(server: OpenAISpeechServer, key: str = "k", **more: Any) -> list[bytes]:
    async with (
        openai.AsyncOpenAI(api_key=key, base_url=server.base_url, max_retries=0) as client,
        client.audio.speech.with_streaming_response.create(**(WANTED | more)) as answer,
    ):
        return [piece async for piece in answer.iter_bytes()]


async def test_sound_is_streamed() -> None:
    async with OpenAISpeechServer(key="k").running() as server:
        heard = await pieces(server, instructions="Whisper.", speed=1.5, voice={"id": "voice_1234"})
    assert b"".join(heard) == sound("Hello there.", PCM)
    assert len(heard) > 1


async def test_events_hold_sound_and_then_what_was_counted() -> None:
    async with OpenAISpeechServer(key="k").running() as server:
        stream = b"".join(await pieces(server, stream_format="sse"))
    *deltas, done = [json.loads(event.removeprefix(b"data: ")) for event in stream.split(b"\n\n") if event]
    assert b"".join(base64.b64decode(delta["audio"]) for delta in deltas) == sound("Hello there.", PCM)
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    assert done == {"type": "speech.audio.done", "usage": USAGE}


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"key": "another"}, "AuthenticationError"),
        ({"model": "gpt-9"}, "NotFoundError"),
        ({"voice": "alloi"}, "BadRequestError"),
        ({"voice": {"id": "alloy"}}, "BadRequestError"),
        ({"input": ""}, "BadRequestError"),
        ({"input": "x" * 4097}, "BadRequestError"),
        ({"speed": 5}, "BadRequestError"),
        ({"model": "tts-1", "instructions": "Whisper."}, "BadRequestError"),
        ({"model": "tts-1", "stream_format": "sse"}, "BadRequestError"),
        ({"response_format": "pcmu"}, "BadRequestError"),
        ({"extra_body": {"wisdom": True}}, "BadRequestError"),
    ],
)
async def test_it_refuses_as_openai_does(wanted: dict[str, Any], error: str) -> None:
    async with OpenAISpeechServer(key="k").running() as server:
        with pytest.raises(vars(openai)[error]):
            await pieces(server, **wanted)
