"""The stand-in for Soniox' recogniser, as Soniox' own client sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from soniox import AsyncSonioxClient
from soniox.errors import SonioxRealtimeError
from soniox.realtime.async_stt import AsyncRealtimeSTTSession
from soniox.types.realtime import RealtimeEvent, RealtimeSTTConfig
from websockets.asyncio.client import connect

from getpatter.testing.vendors.soniox import SonioxServer

KEY = "sk-0123456789"
AUDIO = bytes(range(1, 251)) * 16
"""Half a second of the telephone's."""
PATIENCE_S = 60.0
CONFIGURATION: dict[str, Any] = {
    "model": "stt-rt-v4",
    "audio_format": "mulaw",
    "sample_rate": 8000,
    "num_channels": 1,
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@asynccontextmanager
async def session(
    server: SonioxServer, *, api_key: str = KEY, **options: Any
) -> AsyncIterator[AsyncRealtimeSTTSession]:
    client = AsyncSonioxClient(api_key=api_key, websocket_base_url=f"{server.url}/transcribe-websocket")
    try:
        config = RealtimeSTTConfig(**CONFIGURATION, **options)
        async with asyncio.timeout(PATIENCE_S), client.realtime.stt.connect(config=config) as opened:
            yield opened
    finally:
        await client.aclose()


async def until(session: AsyncRealtimeSTTSession, mark: str) -> list[RealtimeEvent]:
    """All up to the one with this token."""
    events = []
    async for event in session.receive_events():
        events.append(event)
        if any(token.text == mark for token in event.tokens):
            return events
    raise AssertionError(f"there was no {mark}")


async def test_the_client_has_its_audio_finalized() -> None:
    async with SonioxServer("Hello there.", key=KEY).running() as server:
        async with session(server, enable_language_identification=True, language_hints=["en"]) as soniox:
            await soniox.send_byte_chunk(AUDIO)
            await soniox.keep_alive()
            await soniox.finalize()
            interim, final = await until(soniox, "<fin>")
        assert not any(token.is_final for token in interim.tokens)
        assert [token.text for token in final.tokens] == ["Hel", "lo", " th", "ere.", "<fin>"]
        assert {token.language for token in final.tokens[:-1]} == {"en"}
        assert server.heard(server.sessions[0]) == AUDIO


async def test_the_client_sees_the_end_of_a_turn() -> None:
    async with (
        SonioxServer("Hello.", key=KEY).running() as server,
        session(server, enable_endpoint_detection=True) as soniox,
    ):
        await soniox.send_byte_chunk(AUDIO)
        connection = await server.connected()
        await server.until(lambda: bool(server.heard(connection)))
        await server.utter(connection, "<end>")
        assert await until(soniox, "<end>")


async def test_the_client_finishes_and_gets_the_rest() -> None:
    async with SonioxServer("Hello.", key=KEY).running() as server, session(server) as soniox:
        await soniox.send_bytes(AUDIO)
        await soniox.finish()
        events = [event async for event in soniox.receive_events()]
        assert events[-1].finished
        assert "".join(token.text for event in events for token in event.tokens if token.is_final) == "Hello."


async def test_the_client_is_told_that_nothing_was_said() -> None:
    async with SonioxServer(key=KEY).running() as server, session(server) as soniox:
        await soniox.finish()
        event = await soniox.receive_event()
        assert event is not None
        assert event.error_code == 400


async def test_the_client_is_told_of_a_failure_in_the_middle() -> None:
    async with SonioxServer(key=KEY).running() as server, session(server) as soniox:
        await soniox.send_byte_chunk(AUDIO)
        connection = await server.connected()
        await server.until(lambda: bool(server.heard(connection)))
        await server.complain(connection)
        event = await soniox.receive_event()
        assert event is not None
        assert event.error_code == 503


async def test_the_client_does_not_get_in_with_a_wrong_key() -> None:
    async with SonioxServer(key=KEY).running() as server:
        with pytest.raises(SonioxRealtimeError):
            async with session(server, api_key="sk-wrong"):
                pass
        assert server.sessions == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key": KEY},
        {"model": "nova"},
        {"audio_format": "ulaw"},
        {"sample_rate": None},
        {"max_endpoint_delay_ms": 100},
        {"endpoint_sensitivity": 0.5},
        {"language_hints": ["en-US"]},
        {"context": {"phrases": ["Patter"]}},
        {"language": "en"},
    ],
)
async def test_configurations_that_the_vendor_would_refuse_are_refused(wrong: dict[str, object]) -> None:
    async with SonioxServer().running() as server, connect(f"{server.url}/transcribe-websocket", proxy=None) as socket:
        await socket.send(json.dumps(CONFIGURATION | wrong))
        assert json.loads(await socket.recv())["error_code"] == 400


async def test_an_unknown_message_is_refused() -> None:
    async with SonioxServer().running() as server, connect(f"{server.url}/transcribe-websocket", proxy=None) as socket:
        await socket.send(json.dumps(CONFIGURATION))
        await socket.send('{"type": "commit"}')
        assert json.loads(await socket.recv())["error_code"] == 400
