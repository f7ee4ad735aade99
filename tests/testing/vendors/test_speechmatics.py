"""The stand-in for Speechmatics' recogniser, as Speechmatics' own client sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from speechmatics.rt import (
    AsyncClient,
    AudioEncoding,
    AudioFormat,
    ConnectionError,
    ConversationConfig,
    ServerMessageType,
    TranscriptionConfig,
    TranscriptionError,
    TranscriptResult,
)
from websockets.asyncio.client import connect

from getpatter.testing.vendors.speechmatics import SESSION_ID, SpeechmaticsServer

KEY = "sk-0123456789"
AUDIO = bytes(range(1, 251)) * 16
"""Half a second of the telephone's."""
PATIENCE_S = 60.0
MULAW = AudioFormat(encoding=AudioEncoding.MULAW, sample_rate=8000)
START: dict[str, Any] = {
    "message": "StartRecognition",
    "audio_format": {"type": "raw", "encoding": "mulaw", "sample_rate": 8000},
    "transcription_config": {"language": "en"},
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(autouse=True)
async def _patience() -> AsyncIterator[None]:
    async with asyncio.timeout(PATIENCE_S):
        yield


class Client:
    """Speechmatics', with what it was told, in order, but for the receipts of audio."""

    def __init__(self, server: SpeechmaticsServer, key: str) -> None:
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.theirs = AsyncClient(api_key=key, url=f"{server.url}/v2")
        for kind in ServerMessageType:
            if kind is not ServerMessageType.AUDIO_ADDED:
                self.theirs.on(kind, self.heard.put_nowait)

    async def next(self, kind: ServerMessageType) -> dict[str, Any]:
        """What comes next, which has to be of this kind."""
        told = await self.heard.get()
        assert told["message"] == kind.value, told
        return told


@asynccontextmanager
async def session(server: SpeechmaticsServer, *, key: str = KEY, **settings: Any) -> AsyncIterator[Client]:
    client = Client(server, key)
    try:
        await client.theirs.start_session(
            transcription_config=TranscriptionConfig(enable_partials=True, **settings), audio_format=MULAW
        )
        await client.next(ServerMessageType.INFO)
        await client.next(ServerMessageType.RECOGNITION_STARTED)
        yield client
    finally:
        await client.theirs.close()


async def test_the_client_forces_the_end_of_an_utterance() -> None:
    async with SpeechmaticsServer("Hello there.", key=KEY).running() as server:
        async with session(server, max_delay=0.7) as client:
            assert client.theirs.session_id == SESSION_ID
            await client.theirs.send_audio(AUDIO)
            await client.theirs.force_end_of_utterance()
            partial = TranscriptResult.from_message(await client.next(ServerMessageType.ADD_PARTIAL_TRANSCRIPT))
            told = await client.next(ServerMessageType.ADD_TRANSCRIPT)
            ended = await client.next(ServerMessageType.END_OF_UTTERANCE)
        final = TranscriptResult.from_message(told)
        assert (partial.metadata.transcript, final.metadata.transcript) == ("Hello ", "Hello there. ")
        assert told["forced"] is ended["forced"] is True
        assert [(result.type, result.start_time, result.end_time) for result in final.results] == [
            ("word", 0.0, 0.25),
            ("word", 0.25, 0.5),
            ("punctuation", 0.5, 0.5),
        ]
        assert [result.alternatives[0].content for result in final.results if result.alternatives] == [
            "Hello",
            "there",
            ".",
        ]
        assert server.heard(server.sessions[0]) == AUDIO


async def test_the_client_sees_an_utterance_end_by_itself() -> None:
    trigger = ConversationConfig(end_of_utterance_silence_trigger=0.5)
    async with (
        SpeechmaticsServer("Hello.", key=KEY).running() as server,
        session(server, conversation_config=trigger) as client,
    ):
        await client.theirs.send_audio(AUDIO)
        connection = await server.connected()
        await server.until(lambda: bool(server.heard(connection)))
        await server.end_utterance(connection)
        await client.next(ServerMessageType.ADD_PARTIAL_TRANSCRIPT)
        assert "forced" not in await client.next(ServerMessageType.ADD_TRANSCRIPT)
        assert (await client.next(ServerMessageType.END_OF_UTTERANCE))["metadata"]["end_time"] == 0.5


async def test_the_client_stops_and_gets_the_rest() -> None:
    async with SpeechmaticsServer("Hello.").running() as server, session(server) as client:
        await client.theirs.send_audio(AUDIO)
        await client.theirs.send_audio(AUDIO)
        await client.theirs.stop_session()
        await client.next(ServerMessageType.ADD_PARTIAL_TRANSCRIPT)
        await client.next(ServerMessageType.ADD_TRANSCRIPT)
        await client.next(ServerMessageType.END_OF_UTTERANCE)
        await client.next(ServerMessageType.END_OF_TRANSCRIPT)
        assert server.sessions[0].told[-1]["message"] == "EndOfStream"


async def test_the_client_has_every_piece_of_audio_acknowledged() -> None:
    async with SpeechmaticsServer().running() as server, session(server) as client:
        numbers: asyncio.Queue[int] = asyncio.Queue()
        client.theirs.on(ServerMessageType.AUDIO_ADDED, lambda told: numbers.put_nowait(told["seq_no"]))
        for number in (1, 2):
            await client.theirs.send_audio(AUDIO)
            assert await numbers.get() == number


async def test_the_client_is_warned_of_words_that_were_dropped() -> None:
    async with SpeechmaticsServer().running() as server:
        client = Client(server, KEY)
        vocabulary = [{"content": "one two three four five six seven"}]
        await client.theirs.start_session(
            transcription_config=TranscriptionConfig(additional_vocab=vocabulary), audio_format=MULAW
        )
        await client.next(ServerMessageType.INFO)
        assert (await client.next(ServerMessageType.WARNING))["type"] == "validation_warning"
        await client.theirs.close()


async def test_the_client_is_told_of_a_failure_in_the_middle() -> None:
    async with SpeechmaticsServer().running() as server, session(server) as client:
        await server.complain(await server.connected())
        assert (await client.next(ServerMessageType.ERROR))["type"] == "job_error"


async def test_the_client_does_not_get_in_with_a_wrong_key() -> None:
    async with SpeechmaticsServer(key=KEY).running() as server:
        with pytest.raises(ConnectionError, match="401"):
            async with session(server, key="sk-wrong"):
                pass
        assert server.sessions == []


async def test_the_client_does_not_get_in_where_too_many_are() -> None:
    async with SpeechmaticsServer().running() as server:
        server.crowded = True
        with pytest.raises(TranscriptionError, match="Concurrent Quota Exceeded"):
            async with session(server):
                pass


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"language": "en-US"}, "invalid_language"),
        ({"model": "nova-3"}, "invalid_model"),
        ({"model": "enhanced", "operating_point": "enhanced"}, "invalid_model"),
        ({"output_locale": "de-DE"}, "invalid_config"),
        ({"max_delay": 0.5}, "invalid_config"),
        ({"max_delay_mode": "rigid"}, "invalid_config"),
        ({"enable_partials": "true"}, "invalid_config"),
        ({"conversation_config": {"end_of_utterance_silence_trigger": 2.5}}, "invalid_config"),
        ({"conversation_config": {"silence": 0.5}}, "invalid_config"),
        ({"additional_vocab": [{"word": "Patter"}]}, "invalid_config"),
        ({"additional_vocab": ["Patter"] * 1001}, "invalid_config"),
        ({"keyterms": ["Patter"]}, "invalid_config"),
    ],
)
async def test_configurations_that_the_vendor_would_refuse_are_refused(wrong: dict[str, Any], kind: str) -> None:
    config = {**START["transcription_config"], **wrong}
    assert await refusal({**START, "transcription_config": config}) == kind


@pytest.mark.parametrize(
    "audio",
    [
        {"type": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
        {"type": "raw", "encoding": "mulaw"},
        {"type": "raw", "encoding": "mulaw", "sample_rate": "8000"},
    ],
)
async def test_formats_that_the_vendor_does_not_take_are_refused(audio: dict[str, Any]) -> None:
    assert await refusal({**START, "audio_format": audio}) == "invalid_audio_type"


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        ([AUDIO], "protocol_error"),
        (["nonsense"], "protocol_error"),
        ([START, START], "protocol_error"),
        ([START, {"message": "Finalize"}], "invalid_message"),
        ([START, AUDIO, {"message": "ForceEndOfUtterance", "timestamp": 0.6}], "invalid_message"),
        ([START, {"message": "EndOfStream", "last_seq_no": 1}], "protocol_error"),
    ],
)
async def test_messages_out_of_order_are_refused(messages: list[Any], kind: str) -> None:
    assert await refusal(*messages) == kind


async def refusal(*messages: Any) -> str:
    """The type of the error that these messages come to."""
    async with SpeechmaticsServer().running() as server, connect(f"{server.url}/v2", proxy=None) as socket:
        for message in messages:
            await socket.send(json.dumps(message) if isinstance(message, dict) else message)
        async for told in socket:
            read = json.loads(told)
            if read["message"] == "Error":
                return str(read["type"])
    raise AssertionError("nothing was refused")
