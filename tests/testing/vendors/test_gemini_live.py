"""The official client talks to the stand-in, and so holds it to the protocol: it parses every message by its types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import pytest
from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession
from websockets.exceptions import ConnectionClosed

from getpatter.llm.base import ToolCall
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.gemini_live import GeminiLiveServer

LOOK_UP = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(name="look_up", description="Finds somebody.", behavior="BLOCKING")
    ]
)
SETTINGS: dict[str, Any] = {
    "response_modalities": ["AUDIO"],
    "system_instruction": "You book tables.",
    "speech_config": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}},
    "tools": [LOOK_UP],
    "realtime_input_config": {"automatic_activity_detection": {"disabled": True}},
    "input_audio_transcription": {},
    "output_audio_transcription": {},
    "session_resumption": {},
    "context_window_compression": {"sliding_window": {}},
}
SOUND = types.Blob(data=b"\x55\x05" * 8000, mime_type="audio/pcm;rate=16000")


@asynccontextmanager
async def session_at(server: GeminiLiveServer, key: str = "sk-test", **changes: Any) -> AsyncIterator[AsyncSession]:
    client = genai.Client(api_key=key)
    config = types.LiveConnectConfig(**SETTINGS | changes)
    # It knows none but encrypted connections; all else is as it is.
    address = patch.object(client._api_client, "_websocket_base_url", return_value=server.url)
    with address, patch.object(client._api_client, "_websocket_ssl_ctx", {}):
        async with asyncio.timeout(60), client.aio.live.connect(model="gemini-3.8-live", config=config) as session:
            yield session


async def speak(session: AsyncSession) -> None:
    await session.send_realtime_input(activity_start=types.ActivityStart())
    await session.send_realtime_input(audio=SOUND)
    await session.send_realtime_input(activity_end=types.ActivityEnd())


async def until(session: AsyncSession, true: Callable[[types.LiveServerMessage], Any]) -> list[types.LiveServerMessage]:
    """The messages up to the first for which something is so."""
    messages: list[types.LiveServerMessage] = []
    while not messages or not true(messages[-1]):
        messages.append(await session._receive())  # what the public iterator reads from, which stops at each turn
    return messages


def ends_turn(message: types.LiveServerMessage) -> bool:
    return bool(message.server_content and message.server_content.turn_complete)


def contents(messages: list[types.LiveServerMessage]) -> list[types.LiveServerContent]:
    return [message.server_content for message in messages if message.server_content is not None]


async def test_a_session_takes_its_configuration() -> None:
    async with GeminiLiveServer(key="sk-test").running() as server, session_at(server):
        seen = server.seen()
        setup = server.talks[0].setup
    assert (seen.instructions, seen.tools) == ("You book tables.", ("look_up",))
    assert setup["generationConfig"]["responseModalities"] == ["AUDIO"]
    assert setup["model"] == "models/gemini-3.8-live"


async def test_an_activity_is_transcribed_and_answered_with_sound_and_its_words() -> None:
    async with (
        GeminiLiveServer(Spoken("At what time, please?"), heard=("a table",)).running() as server,
        session_at(server) as session,
    ):
        await speak(session)
        messages = await until(session, ends_turn)
    said = contents(messages)
    assert "".join(c.input_transcription.text or "" for c in said if c.input_transcription) == "a table"
    assert "".join(c.output_transcription.text or "" for c in said if c.output_transcription) == "At what time, please?"
    sound = b"".join(message.data or b"" for message in messages)
    assert len(sound) == int(4 * 0.4 * 24000) * 2
    assert [c.generation_complete for c in said].count(True) == 1
    usage = messages[-1].usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.response_token_count) == (120, 80)


async def test_functions_are_called_and_their_results_talked_about() -> None:
    calls = (ToolCall("call_1", "look_up", '{"name": "Ada"}'), ToolCall("call_2", "look_up", '{"name": "Bob"}'))
    async with (
        GeminiLiveServer(Spoken("Let me see.", tool_calls=calls), Spoken("Both are here.")).running() as server,
        session_at(server) as session,
    ):
        await speak(session)
        message = (await until(session, lambda message: message.tool_call))[-1]
        assert message.tool_call is not None
        called = message.tool_call.function_calls or []
        assert [(call.id, call.name, call.args) for call in called] == [
            ("call_1", "look_up", {"name": "Ada"}),
            ("call_2", "look_up", {"name": "Bob"}),
        ]
        await session.send_tool_response(
            function_responses=[
                types.FunctionResponse(id=call.id, name=call.name, response={"output": "found"}) for call in called
            ]
        )
        await until(session, lambda message: ends_turn(message) and not message.tool_call)
        answered = contents(await until(session, ends_turn))
    assert "".join(c.output_transcription.text or "" for c in answered if c.output_transcription) == "Both are here."
    assert server.seen().results == (("call_1", "found"), ("call_2", "found"))


async def test_another_activity_breaks_off_the_answer() -> None:
    async with (
        GeminiLiveServer(Spoken("one two three " * 100), Spoken("Go on."), pace=50.0).running() as server,
        session_at(server) as session,
    ):
        await speak(session)
        await until(session, lambda message: message.data)
        await session.send_realtime_input(activity_start=types.ActivityStart())
        broken = contents(await until(session, ends_turn))
    assert any(content.interrupted for content in broken)
    assert not any(content.generation_complete for content in broken)


async def test_an_interrupted_function_call_is_cancelled() -> None:
    server = GeminiLiveServer(Spoken(tool_calls=(ToolCall("call_1", "look_up", "{}"),)))
    async with server.running(), session_at(server) as session:
        await speak(session)
        await until(session, ends_turn)
        await session.send_realtime_input(activity_start=types.ActivityStart())
        message = (await until(session, lambda message: message.tool_call_cancellation))[-1]
    assert message.tool_call_cancellation is not None
    assert message.tool_call_cancellation.ids == ["call_1"]


async def test_what_was_said_before_is_not_answered_and_text_is() -> None:
    server = GeminiLiveServer(Spoken("At what time?"))
    async with server.running(), session_at(server, history_config={"initial_history_in_client_content": True}) as one:
        before = types.Content(role="model", parts=[types.Part(text="Good morning.")])
        await one.send_client_content(turns=before, turn_complete=True)
        await one.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="A table.")]))
        await until(one, ends_turn)
    assert server.talks[0].turns == [("model", "Good morning."), ("user", "A table."), ("model", "At what time?")]


async def test_instructions_and_tools_can_be_replaced() -> None:
    async with GeminiLiveServer().running() as server, session_at(server) as session:
        await session.send_context_update(system_instruction="You cook.", tools=[])
        await speak(session)
        await until(session, ends_turn)
    assert (server.seen().instructions, server.seen().tools) == ("You cook.", ())


async def test_a_session_gives_a_handle_and_says_when_it_will_end() -> None:
    async with GeminiLiveServer().running() as server, session_at(server) as session:
        await speak(session)
        update = (await until(session, lambda message: message.session_resumption_update))[-1].session_resumption_update
        await server.leave()
        leaving = (await until(session, lambda message: message.go_away))[-1].go_away
    assert update is not None
    assert (update.resumable, update.new_handle) == (True, "handle-1")
    assert leaving is not None
    assert leaving.time_left == "60s"


@pytest.mark.parametrize(
    ("key", "handle", "reason"), [("sk-wrong", None, "API key not valid"), ("sk-test", "handle-9", "Session not found")]
)
async def test_what_the_api_does_not_take_ends_the_connection(key: str, handle: str | None, reason: str) -> None:
    server = GeminiLiveServer(key="sk-test")
    server.forgets = True
    async with server.running():
        with pytest.raises((errors.APIError, ConnectionClosed), match=reason):
            async with session_at(server, key, session_resumption={"handle": handle}) as session:
                await until(session, ends_turn)


async def test_the_connection_can_break_in_the_middle() -> None:
    server = GeminiLiveServer(Spoken("one two three", drop_after=2))
    async with server.running(), session_at(server) as session:
        await speak(session)
        with pytest.raises(errors.APIError):
            await until(session, ends_turn)
