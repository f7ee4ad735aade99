"""The stand-in for speech to text is held honest by Telnyx's official client, which reads what it sends.

That client has nothing for text to speech over a WebSocket, so its stand-in follows the documentation alone.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect

from getpatter.testing.vendors.telnyx_listen import PATH, TelnyxListenServer

client = pytest.importorskip("telnyx.lib", reason="the official client is not installed")

HALF_SECOND = b"\x7f" * 4000


def parameters(**wanted: Any) -> Any:
    usual = {"transcription_engine": "Deepgram", "input_format": "linear16", "sample_rate": 8000}
    return client.SpeechToTextStreamParams(**(usual | wanted))


def speech(url: str, key: str = "k", **wanted: Any) -> Any:
    return client.AsyncSpeechToTextWS(
        api_key=key, params=parameters(**wanted), base_url=url.replace("ws:", "http:") + "/v2"
    )


async def test_results_are_read_by_the_official_client() -> None:
    async with (
        asyncio.timeout(60),
        TelnyxListenServer("Hello there.", key="k").running() as server,
        speech(server.url, interim_results=True, language="en-US", model="deepgram/nova-3") as socket,
    ):
        await socket.send(HALF_SECOND)
        session = await server.connected()
        await server.until(lambda: server.heard(session) == HALF_SECOND)
        await server.finish(session)
        events = socket.events()
        seen = [await anext(events) for _ in range(3)]
        assert [event.type for event in seen] == ["transcript"] * 3
        assert [(event.transcript, event.is_final, event.confidence) for event in seen] == [
            ("Hello", False, 0.0),
            ("Hello there.", True, 0.98),
            ("", True, None),
        ]


async def test_a_wrong_key_is_refused() -> None:
    async with asyncio.timeout(60), TelnyxListenServer(key="k").running() as server:
        with pytest.raises(client.SpeechToTextWSError) as refused:
            await speech(server.url, key="another").connect()
    assert "401" in str(refused.value)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"transcription_engine": "Nobody"}, "40001"),
        ({"transcription_engine": "Google", "input_format": "mulaw"}, "40002"),
        ({"sample_rate": None}, "40003"),
        ({"sample_rate": 12_345}, "40005"),
    ],
)
async def test_wrong_parameters_are_told_and_the_session_ends(wanted: dict[str, Any], code: str) -> None:
    # The client drops the codes of errors, so what it asks for is asked for without it.
    query = urlencode(parameters(**wanted).to_query_params())
    headers = {"Authorization": "Bearer k"}
    async with (
        asyncio.timeout(60),
        TelnyxListenServer(key="k").running() as server,
        connect(f"{server.url}{PATH}?{query}", additional_headers=headers) as socket,
    ):
        (told,) = [json.loads(message) async for message in socket]
        assert [error["code"] for error in told["errors"]] == [code]
