"""The official client talks to the fake, which holds the fake honest: it parses every event by OpenAI's own types."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.exceptions import ConnectionClosed, InvalidStatus

from getpatter.llm.base import ToolCall
from getpatter.testing.realtime_server import RealtimeServer
from getpatter.testing.realtime_session import Spoken

LOOK_UP = ToolCall("call_1", "look_up", '{"name": "Ada"}')
SETTINGS: Any = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "instructions": "You book tables.",
    "audio": {
        "input": {
            "format": {"type": "audio/pcmu"},
            "turn_detection": None,
            "transcription": {"model": "gpt-4o-mini-transcribe"},
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"},
    },
}
STRICT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


@asynccontextmanager
async def client_of(server: RealtimeServer, key: str = "sk-test") -> AsyncIterator[AsyncRealtimeConnection]:
    async with (
        AsyncOpenAI(api_key=key, websocket_base_url=server.url.removesuffix("/realtime")) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        yield connection


async def until(connection: AsyncRealtimeConnection, *kinds: str) -> list[Any]:
    """The events up to the first of these types, each of them valid by OpenAI's schema."""
    events: list[Any] = []
    async with asyncio.timeout(60):
        while not events or events[-1].type not in kinds:
            event = STRICT.validate_json(await connection.recv_bytes(), strict=False)
            events.append(event)
    return events


async def speak(connection: AsyncRealtimeConnection, seconds: float = 1.0) -> None:
    audio = base64.b64encode(b"\x55" * int(seconds * 8000)).decode()
    await connection.input_audio_buffer.append(audio=audio)
    await connection.input_audio_buffer.commit()


async def test_a_session_takes_its_configuration_and_tells_it() -> None:
    async with RealtimeServer(key="sk-test").running() as server, client_of(server) as connection:
        assert (await until(connection, "session.created"))[-1].session.audio.output.voice == "alloy"
        await connection.session.update(session=SETTINGS)
        session = (await until(connection, "session.updated"))[-1].session
    assert session.instructions == "You book tables."
    assert session.audio.output.voice == "marin"
    assert session.audio.input.turn_detection is None


async def test_a_committed_turn_is_transcribed_and_answered_with_sound_and_its_words() -> None:
    async with (
        RealtimeServer(Spoken("At what time, please?"), heard=("a table",)).running() as server,
        client_of(server) as connection,
    ):
        await connection.session.update(session=SETTINGS)
        await speak(connection)
        heard = await until(connection, "conversation.item.input_audio_transcription.completed")
        await connection.response.create()
        said = await until(connection, "response.done")
    assert heard[-1].transcript == "a table"
    words = [event.delta for event in said if event.type == "response.output_audio_transcript.delta"]
    sound = [event.delta for event in said if event.type == "response.output_audio.delta"]
    assert "".join(words) == "At what time, please?"
    assert len(b"".join(map(base64.b64decode, sound))) == 4 * 0.4 * 8000
    assert said[-1].response.status == "completed"
    assert said[-1].response.usage.output_token_details.audio_tokens == 60


async def test_the_transcript_runs_ahead_of_its_sound() -> None:
    async with (
        RealtimeServer(Spoken("one two three four five six")).running() as server,
        client_of(server) as connection,
    ):
        await connection.response.create()
        kinds = [event.type for event in await until(connection, "response.done")]
    words = [place for place, kind in enumerate(kinds) if kind == "response.output_audio_transcript.delta"]
    sound = [place for place, kind in enumerate(kinds) if kind == "response.output_audio.delta"]
    assert words[2] < sound[0]
    assert words[-1] < sound[-1]


async def test_a_function_call_comes_with_its_arguments() -> None:
    async with RealtimeServer(Spoken(tool_calls=(LOOK_UP,))).running() as server, client_of(server) as connection:
        await connection.response.create()
        events = await until(connection, "response.done")
        await connection.conversation.item.create(
            item={"type": "function_call_output", "call_id": "call_1", "output": "found"}
        )
        await until(connection, "conversation.item.done")
        output = server.sessions[0].items
    done = next(event for event in events if event.type == "response.function_call_arguments.done")
    assert (done.call_id, done.name, done.arguments) == ("call_1", "look_up", '{"name": "Ada"}')
    assert [item["output"] for item in output.values() if item["type"] == "function_call_output"] == ["found"]


async def test_what_was_not_heard_can_be_cut_off_and_no_more_than_that() -> None:
    async with RealtimeServer(Spoken("one two three")).running() as server, client_of(server) as connection:
        await connection.response.create()
        events = await until(connection, "response.done")
        item_id = next(event.item_id for event in events if event.type == "response.output_audio.delta")
        await connection.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=500)
        cut = (await until(connection, "conversation.item.truncated", "error"))[-1]
        await connection.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=900)
        refused = (await until(connection, "conversation.item.truncated", "error"))[-1]
    assert cut.audio_end_ms == 500
    assert "already shorter than 900ms" in refused.error.message


async def test_a_response_that_is_cancelled_stops() -> None:
    async with (
        RealtimeServer(Spoken("one two three " * 100), pace=100).running() as server,
        client_of(server) as connection,
    ):
        await connection.response.create()
        await until(connection, "response.output_audio.delta")
        await connection.response.cancel()
        done = (await until(connection, "response.done"))[-1]
        await connection.response.cancel()
        refused = (await until(connection, "error"))[-1]
    assert done.response.status == "cancelled"
    assert refused.error.code == "response_cancel_not_active"


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "input_audio_buffer.commit", "event_id": "ours"}], "input_audio_buffer_commit_empty"),
        (
            [{"type": "response.create"}, {"type": "response.create", "event_id": "ours"}],
            "conversation_already_has_active_response",
        ),
        ([{"type": "session.update", "event_id": "ours", "session": {}}], "missing_required_parameter"),
        ([{"type": "nonsense", "event_id": "ours"}], "invalid_value"),
    ],
)
async def test_what_the_api_complains_about_is_complained_about(messages: list[Any], code: str) -> None:
    async with RealtimeServer(Spoken("one two three"), pace=1).running() as server, client_of(server) as connection:
        for message in messages:
            await connection.send(message)
        error = (await until(connection, "error"))[-1].error
    assert (error.code, error.event_id) == (code, "ours")
    assert server.sessions[0].errors == [code]


@pytest.mark.parametrize(
    ("reason", "status"),
    [("turn_detected", "cancelled"), ("content_filter", "incomplete"), ("max_output_tokens", "incomplete")],
)
async def test_the_server_can_end_a_response_early(reason: str, status: str) -> None:
    async with RealtimeServer(Spoken("one", stops=reason)).running() as server, client_of(server) as connection:
        await connection.response.create()
        done = (await until(connection, "response.done"))[-1]
    assert (done.response.status, done.response.status_details.reason) == (status, reason)


async def test_functions_can_be_called_side_by_side() -> None:
    calls = (LOOK_UP, ToolCall("call_2", "look_up", '{"name": "Bob"}'))
    async with RealtimeServer(Spoken(tool_calls=calls)).running() as server, client_of(server) as connection:
        await connection.response.create()
        events = await until(connection, "response.done")
    done = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert [(call.call_id, call.output_index) for call in done] == [("call_1", 0), ("call_2", 1)]


async def test_a_session_expires() -> None:
    async with RealtimeServer().running() as server, client_of(server) as connection:
        await until(connection, "session.created")
        await server.complain("session_expired", "Your session hit the maximum duration of 60 minutes.")
        error = (await until(connection, "error"))[-1].error
    assert (error.code, error.type) == ("session_expired", "invalid_request_error")


async def test_limits_are_told() -> None:
    async with RealtimeServer().running() as server, client_of(server) as connection:
        await until(connection, "session.created")
        await server.remark()
        limits = (await until(connection, "rate_limits.updated"))[-1].rate_limits
    assert [(limit.name, limit.remaining) for limit in limits] == [("tokens", 39_000)]


async def test_a_response_can_fail() -> None:
    async with RealtimeServer(Spoken("one", fails="server_error")).running() as server, client_of(server) as connection:
        await connection.response.create()
        done = (await until(connection, "response.done"))[-1]
    assert done.response.status == "failed"
    assert done.response.status_details.error.code == "server_error"


async def test_the_connection_can_break_in_the_middle() -> None:
    async with (
        RealtimeServer(Spoken("one two three", drop_after=3)).running() as server,
        client_of(server) as connection,
    ):
        await connection.response.create()
        with pytest.raises(ConnectionClosed):
            await until(connection, "response.done")


async def test_a_wrong_key_is_refused() -> None:
    async with RealtimeServer(key="sk-right").running() as server:
        with pytest.raises(InvalidStatus) as refusal:
            async with client_of(server, "sk-wrong"):
                pass
    assert refusal.value.response.status_code == HTTPStatus.UNAUTHORIZED
