"""The stand-in for AssemblyAI's recognisers, as AssemblyAI's own client sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from assemblyai.streaming.v3 import (
    AsyncRealTimeTranscriber,
    BeginEvent,
    RealTimeError,
    RealTimeEvents,
    RealTimeParameters,
    RealTimeSessionParameters,
    RealTimeTranscriberOptions,
    SpeechStartedEvent,
    TerminationEvent,
    TurnEvent,
)
from websockets.asyncio.client import connect

from getpatter.testing.vendors.assemblyai import SESSION_ID, AssemblyAIServer

KEY = "sk-0123456789"
AUDIO = bytes(range(1, 251)) * 16
"""Half a second of the telephone's."""
PATIENCE_S = 60.0

Event = TypeVar("Event")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(autouse=True)
async def _patience() -> AsyncIterator[None]:
    async with asyncio.timeout(PATIENCE_S):
        yield


class Client:
    """AssemblyAI's, with what it was told, in order."""

    def __init__(self, server: AssemblyAIServer, key: str = KEY) -> None:
        self.heard: asyncio.Queue[object] = asyncio.Queue()
        options = RealTimeTranscriberOptions(
            api_host=server.url, api_key=key, connect_timeout=PATIENCE_S, terminate_timeout=PATIENCE_S
        )
        self.transcriber = AsyncRealTimeTranscriber(options)
        for event in RealTimeEvents:
            self.transcriber.on(event, lambda _, told: self.heard.put_nowait(told))

    async def next(self, kind: type[Event]) -> Event:
        """What comes next, which has to be of this kind."""
        told = await self.heard.get()
        assert isinstance(told, kind), told
        return told


@asynccontextmanager
async def session(server: AssemblyAIServer, *, key: str = KEY, **parameters: Any) -> AsyncIterator[Client]:
    client = Client(server, key)
    asked = {"sample_rate": 8000, "encoding": "pcm_mulaw", "speech_model": "universal-streaming-english"} | parameters
    await client.transcriber.connect(RealTimeParameters.model_validate(asked))
    try:
        yield client
    finally:
        await client.transcriber.disconnect()


async def heard(server: AssemblyAIServer, count: int) -> None:
    """Wait until so many bytes of audio came."""
    connection = await server.connected()
    await server.until(lambda: len(connection.audio) >= count)


async def test_the_client_forces_the_end_of_a_turn() -> None:
    async with AssemblyAIServer("Hello there.", key=KEY).running() as server:
        async with session(server, keyterms_prompt=["Patter"], min_turn_silence=160) as client:
            begun = await client.next(BeginEvent)
            assert begun.id == SESSION_ID
            assert begun.configuration is not None
            assert begun.configuration.model == "universal-streaming-english"
            await client.transcriber.stream(AUDIO)
            await client.transcriber.keep_alive()
            await client.transcriber.force_endpoint()
            partial, ended = await client.next(TurnEvent), await client.next(TurnEvent)
        assert (partial.end_of_turn, partial.transcript, partial.words[0].text) == (False, "", "Hello")
        assert (ended.end_of_turn, ended.transcript, ended.turn_order) == (True, "Hello there.", 0)
        assert [(word.text, word.start, word.end) for word in ended.words] == [("Hello", 0, 250), ("there.", 250, 500)]
        assert server.heard(server.sessions[0]) == AUDIO


async def test_the_client_sees_a_turn_end_by_itself_and_the_next() -> None:
    async with AssemblyAIServer("One.", "Two.", key=KEY).running() as server, session(server) as client:
        await client.next(BeginEvent)
        connection = await server.connected()
        for number, text in enumerate(("One.", "Two.")):
            await client.transcriber.stream(AUDIO)
            await heard(server, len(AUDIO) * (number + 1))
            await server.end_turn(connection)
            await client.next(TurnEvent)
            ended = await client.next(TurnEvent)
            assert (ended.turn_order, ended.transcript) == (number, text)


async def test_the_client_gets_formatted_turns_after_plain_ones() -> None:
    async with AssemblyAIServer("Hello there.").running() as server, session(server, format_turns=True) as client:
        await client.next(BeginEvent)
        await client.transcriber.stream(AUDIO)
        await client.transcriber.force_endpoint()
        await client.next(TurnEvent)
        plain, formatted = await client.next(TurnEvent), await client.next(TurnEvent)
    assert (plain.end_of_turn, plain.turn_is_formatted, plain.transcript) == (True, False, "hello there")
    assert (formatted.end_of_turn, formatted.turn_is_formatted, formatted.transcript) == (True, True, "Hello there.")
    assert plain.turn_order == formatted.turn_order


async def test_the_client_hears_from_pro_models_when_speech_starts() -> None:
    async with (
        AssemblyAIServer("Hello there.").running() as server,
        session(server, speech_model="universal-3-5-pro", language_codes=["en"], language_detection=True) as client,
    ):
        await client.next(BeginEvent)
        await client.transcriber.stream(AUDIO)
        await client.transcriber.force_endpoint()
        await client.next(SpeechStartedEvent)
        partial, ended = await client.next(TurnEvent), await client.next(TurnEvent)
    assert (partial.transcript, partial.words[0].word_is_final) == ("Hello", False)
    assert (ended.turn_is_formatted, ended.language_code) == (True, "en")


async def test_the_client_terminates_and_gets_the_rest() -> None:
    async with AssemblyAIServer("Hello.").running() as server, session(server) as client:
        await client.next(BeginEvent)
        await client.transcriber.set_params(RealTimeSessionParameters(max_turn_silence=400))
        await client.transcriber.stream([AUDIO, AUDIO])
        await client.transcriber.disconnect(terminate=True)
        await client.next(TurnEvent)
        assert (await client.next(TurnEvent)).transcript == "Hello."
        assert (await client.next(TerminationEvent)).audio_duration_seconds == 1


async def test_the_client_is_told_of_a_failure_in_the_middle() -> None:
    async with AssemblyAIServer().running() as server, session(server) as client:
        await client.next(BeginEvent)
        await server.complain(await server.connected())
        assert (await client.next(RealTimeError)).code == 3005


async def test_the_client_does_not_get_in_with_a_wrong_key() -> None:
    async with AssemblyAIServer(key=KEY).running() as server, session(server, key="sk-wrong") as client:
        refused = await client.next(RealTimeError)
        assert refused.code == 1008
        assert "Unauthorized Connection" in str(refused)


@pytest.mark.parametrize("milliseconds", [49, 1001])
async def test_pieces_that_are_too_short_or_too_long_are_refused(milliseconds: int) -> None:
    async with AssemblyAIServer().running() as server, session(server) as client:
        await client.next(BeginEvent)
        await client.transcriber.stream(b"\x7f" * 8 * milliseconds)
        assert (await client.next(RealTimeError)).code == 3007


@pytest.mark.parametrize(
    "wrong",
    [
        "speech_model=nova-3&sample_rate=8000&encoding=pcm_mulaw",
        "speech_model=u3-rt-pro&encoding=pcm_mulaw",
        "speech_model=u3-rt-pro&sample_rate=8000&encoding=mulaw",
        "speech_model=u3-rt-pro&sample_rate=8000&encoding=pcm_mulaw&speechModel=u3-rt-pro",
        "speech_model=u3-rt-pro&sample_rate=8000&encoding=pcm_mulaw&keyterms_prompt=Patter",
        "speech_model=u3-rt-pro&sample_rate=8000&encoding=pcm_mulaw&format_turns=yes",
        "speech_model=u3-rt-pro&sample_rate=8000&encoding=pcm_mulaw&min_turn_silence=soon",
    ],
)
async def test_wrong_parameters_are_refused(wrong: str) -> None:
    async with AssemblyAIServer().running() as server, connect(f"{server.url}/v3/ws?{wrong}", proxy=None) as socket:
        assert '"error_code": 3006' in str(await socket.recv())
        await socket.wait_closed()
        assert socket.close_code == 3006


@pytest.mark.parametrize("wrong", ["nonsense", "[]", '{"type":"Finalize"}', '{"type":"UpdateConfiguration","x":1}'])
async def test_messages_that_are_none_are_refused(wrong: str) -> None:
    async with AssemblyAIServer().running() as server:
        parameters = "speech_model=u3-rt-pro&sample_rate=8000&encoding=pcm_mulaw"
        async with connect(f"{server.url}/v3/ws?{parameters}", proxy=None) as socket:
            await socket.recv()
            await socket.send(wrong)
            assert '"error_code": 3006' in str(await socket.recv())
