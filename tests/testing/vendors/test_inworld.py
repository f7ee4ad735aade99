"""The stand-in for Inworld, held to the examples of Inworld's documentation: there is no official client for it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from getpatter.audio.format import LINE
from getpatter.testing.vendors.inworld import InworldServer
from getpatter.testing.vendors.speaker import sound

BODY: dict[str, Any] = {
    "text": "Hello there.",
    "voiceId": "Dennis",
    "modelId": "inworld-tts-2",
    "audioConfig": {"audioEncoding": "MULAW", "sampleRateHertz": 8000},
}


@pytest.fixture(autouse=True)
async def _patience() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


async def post(server: InworldServer, body: dict[str, Any], key: str = "k") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(
            f"{server.url}/tts/v1/voice:stream", json=body, headers={"Authorization": f"Basic {key}"}
        )


async def test_each_line_is_a_piece_of_sound() -> None:
    async with InworldServer(key="k").running() as server:
        answer = await post(server, BODY)
    results = [json.loads(line)["result"] for line in answer.text.splitlines()]
    assert b"".join(base64.b64decode(result["audioContent"]) for result in results) == sound("Hello there.", LINE)
    assert results[0]["usage"] == {"processedCharactersCount": 12, "modelId": "inworld-tts-2"}


async def test_words_are_told_in_three_lists() -> None:
    async with InworldServer(key="k").running() as server:
        answer = await post(server, BODY | {"timestampType": "WORD", "timestampTransportStrategy": "ASYNC"})
    results = [json.loads(line)["result"] for line in answer.text.splitlines()]
    told = [result["timestampInfo"]["wordAlignment"] for result in results if "timestampInfo" in result]
    assert [word for alignment in told for word in alignment["words"]] == ["Hello", "there."]
    assert all(alignment.keys() == {"words", "wordStartTimeSeconds", "wordEndTimeSeconds"} for alignment in told)


async def test_a_failure_in_the_middle_is_a_line_of_its_own() -> None:
    async with InworldServer(key="k").running() as server:
        server.orders.complain_after = 1
        answer = await post(server, BODY)
    assert json.loads(answer.text.splitlines()[-1])["error"].keys() == {"code", "message", "details"}


@pytest.mark.parametrize(
    ("key", "wrong", "status", "code"),
    [
        ("another", {}, 401, 16),
        ("k", {"voiceId": "inworld-tts-2"}, 404, 5),
        ("k", {"voiceId": ""}, 400, 3),
        ("k", {"modelId": "sonic-3"}, 400, 3),
        ("k", {"text": ""}, 400, 3),
        ("k", {"text": "x" * 2001}, 400, 3),
        ("k", {"temperature": 3}, 400, 3),
        ("k", {"deliveryMode": "EXPRESSIVE"}, 400, 3),
        ("k", {"speed": 1}, 400, 3),
        ("k", {"audioConfig": {"audioEncoding": "MULAW", "sampleRateHertz": 16_000}}, 400, 3),
        ("k", {"audioConfig": {"audioEncoding": "PCM", "sampleRateHertz": 8000, "pitch": 1}}, 400, 3),
    ],
)
async def test_requests_are_refused_as_inworld_does(key: str, wrong: dict[str, Any], status: int, code: int) -> None:
    async with InworldServer(key="k").running() as server:
        answer = await post(server, BODY | wrong, key)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]
