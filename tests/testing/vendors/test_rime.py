"""The stand-in for Rime, held to the examples of Rime's documentation: there is no official client for it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from getpatter.audio.format import LINE
from getpatter.testing.vendors.rime import RimeServer
from getpatter.testing.vendors.speaker import sound

ASKED = "speaker=astra&modelId=coda&audioFormat=mulaw&samplingRate=8000&segment=never"


@pytest.fixture(autouse=True)
async def _patience() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


@asynccontextmanager
async def opened(server: RimeServer, query: str = ASKED, key: str = "k") -> AsyncIterator[ClientConnection]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with connect(f"{server.url}/ws3?{query}", additional_headers=headers, proxy=None) as socket:
        yield socket


async def say(socket: ClientConnection, *messages: dict[str, Any]) -> None:
    for message in messages:
        await socket.send(json.dumps(message))


async def heard(socket: ClientConnection) -> list[dict[str, Any]]:
    """All up to `done`, or to the close."""
    told: list[dict[str, Any]] = []
    async for message in socket:
        told.append(json.loads(message))
        if told[-1]["type"] == "done":
            break
    return told


async def test_tokens_are_spoken_together_when_they_are_flushed() -> None:
    async with RimeServer(key="k").running() as server, opened(server) as socket:
        await say(socket, {"text": "Hello "}, {"text": "there.", "contextId": "c"}, {"operation": "flush"})
        *parts, done = await heard(socket)
    chunks = [part for part in parts if part["type"] == "chunk"]
    assert b"".join(base64.b64decode(chunk["data"]) for chunk in chunks) == sound("Hello there.", LINE)
    times = [part["word_timestamps"] for part in parts if part["type"] == "timestamps"]
    assert [word for time in times for word in time["words"]] == ["Hello", "there."]
    assert all(time.keys() == {"words", "start", "end"} for time in times)
    assert done == {"type": "done", "contextId": "c"}


async def test_what_was_cleared_is_not_spoken_and_an_end_closes() -> None:
    async with RimeServer(key="k").running() as server, opened(server) as socket:
        await say(socket, {"text": "Not this."}, {"operation": "clear"}, {"operation": "flush"})
        await say(socket, {"text": "But that."}, {"operation": "eos"})
        assert (await heard(socket))[-1] == {"type": "done", "contextId": None}
        assert await heard(socket) == []
        assert server.orders.spoken == ["But that."]


@pytest.mark.parametrize("message", ["Hello.", "{}", '{"operation": "stop"}', '{"text": 1}', '{"text": "a", "id": 1}'])
async def test_a_malformed_message_is_told_of_and_the_next_is_taken(message: str) -> None:
    async with RimeServer(key="k").running() as server, opened(server) as socket:
        await socket.send(message)
        assert json.loads(await socket.recv()).keys() == {"type", "message"}
        await say(socket, {"text": "Hello."}, {"operation": "flush"})
        assert (await heard(socket))[-1]["type"] == "done"


async def test_a_text_that_is_too_long_closes_with_its_reason() -> None:
    async with RimeServer(key="k").running() as server, opened(server) as socket:
        await say(socket, {"text": "x" * 1001})
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "400: text is too long")


@pytest.mark.parametrize(
    ("query", "key", "status"),
    [
        (ASKED, "another", HTTPStatus.UNAUTHORIZED),
        (ASKED, "", HTTPStatus.UNAUTHORIZED),
        (ASKED.replace("speaker=astra&", ""), "k", HTTPStatus.BAD_REQUEST),
        (ASKED.replace("coda", "sonic-3"), "k", HTTPStatus.BAD_REQUEST),
        (ASKED.replace("8000", "8001"), "k", HTTPStatus.BAD_REQUEST),
        (f"{ASKED}&lang=de-DE", "k", HTTPStatus.BAD_REQUEST),
        (f"{ASKED}&timeScaleFactor=1", "k", HTTPStatus.BAD_REQUEST),
        (ASKED.replace("never", "bySentence"), "k", HTTPStatus.BAD_REQUEST),
    ],
)
async def test_what_rime_would_refuse_or_misunderstand_is_refused(query: str, key: str, status: HTTPStatus) -> None:
    async with RimeServer(key="k").running() as server:
        with pytest.raises(InvalidStatus) as refused:
            async with opened(server, query, key):
                pass
    assert refused.value.response.status_code == status
