"""Whole talks through the adapter, to a server that speaks its protocol: the clock is the test's, the socket real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from getpatter.agent import Agent
from getpatter.audio.format import LINE, AudioFormat
from getpatter.engines.openai_realtime import OpenAIRealtime
from getpatter.engines.openai_wire import PCM16
from getpatter.events import BargeIn
from getpatter.llm.base import ToolCall
from getpatter.testing.realtime_server import RealtimeServer
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.stage import Stage
from getpatter.tools.tool import Tool, tool

FRAME = b"\x40" * 160


@asynccontextmanager
async def stage_with(
    server: RealtimeServer, *, format: AudioFormat = LINE, tools: tuple[Tool, ...] = ()
) -> AsyncIterator[Stage]:
    async with server.running(), asyncio.timeout(30):
        engine = OpenAIRealtime("sk-test", url=server.url, format=format)
        stage = Stage(Agent(system_prompt="You book tables.", engine=engine, tools=tools))
        try:
            await stage.start()
            yield stage
        finally:
            await stage.talk.close()
            stage.pacer.close()


async def speaks(stage: Stage) -> None:
    await stage.begins_to_speak()
    for _ in range(50):
        stage.talk.hear(FRAME)
    await stage.stops_speaking()


async def until(stage: Stage, condition: Callable[[], bool]) -> None:
    """Let the network do its work without time passing."""
    while not condition():
        await stage.settle()


async def until_said(stage: Stage, text: str) -> None:
    while ("agent", text) not in stage.turns():
        await stage.passes(0.02)


@pytest.mark.parametrize("format", [LINE, PCM16], ids=["mulaw", "pcm16"])
async def test_a_question_is_answered(format: AudioFormat) -> None:
    server = RealtimeServer(Spoken("At what time, please?"), heard=("a table for two",))
    async with stage_with(server, format=format) as stage:
        await speaks(stage)
        await until(stage, lambda: bool(stage.played))
        await until_said(stage, "At what time, please?")
        session = server.sessions[0]
        assert ("caller", "a table for two") in stage.turns()
        assert len(stage.played) == pytest.approx(4 * 0.4 * 8000, abs=320)
        assert len(session.of("input_audio_buffer.commit")) == 1
        assert len(session.of("input_audio_buffer.append")) < 20, "frames are sent together"
        assert session.session["audio"]["input"]["format"]["type"] == ("audio/pcmu" if format == LINE else "audio/pcm")
        assert session.errors == []


async def test_the_server_knows_how_much_of_an_answer_was_heard() -> None:
    server = RealtimeServer(
        Spoken("one two three four five six seven eight"), Spoken("Go on."), heard=("hello", "stop that")
    )
    async with stage_with(server) as stage:
        await speaks(stage)
        await until(stage, lambda: bool(stage.played))
        await stage.passes(1.2)
        await speaks(stage)
        await server.received("conversation.item.truncate")
        await until_said(stage, "Go on.")
        assert stage.happened(BargeIn)
        [heard_ms] = server.sessions[0].truncated.values()
        assert 1000 <= heard_ms <= 1800
        assert server.sessions[0].errors == []


async def test_a_tool_runs_between_two_responses() -> None:
    async def find() -> str:
        return "found"

    call = ToolCall("call_1", "look_up", "{}")
    server = RealtimeServer(Spoken("Let me see.", tool_calls=(call,)), Spoken("She is here."))
    look_up = tool(handler=find, name="look_up", description="Finds somebody.")
    async with stage_with(server, tools=(look_up,)) as stage:
        await speaks(stage)
        await server.received("response.create", 2)
        await until_said(stage, "Let me see. She is here.")
        outputs = [item["output"] for item in server.sessions[0].items.values() if "output" in item]
        assert outputs == ["found"]


async def test_a_connection_that_breaks_in_an_answer_is_made_again_before_the_caller_notices() -> None:
    server = RealtimeServer(
        Spoken("At what time?", drop_after=2), Spoken("At what time?"), heard=("a table", "a table")
    )
    async with stage_with(server) as stage:
        await speaks(stage)
        await server.received("response.create", session=1)
        await until_said(stage, "At what time?")
        again = server.sessions[1]
        assert len(again.of("input_audio_buffer.commit")) == 1
        assert [item["role"] for item in again.items.values()] == ["user", "assistant"]
        assert stage.turns().count(("caller", "a table")) == 1
        assert stage.ended is None
