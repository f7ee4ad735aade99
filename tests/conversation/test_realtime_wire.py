"""Whole talks through the adapter, to a server that speaks its protocol: the clock is the test's, the socket real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from getpatter.agent import Agent
from getpatter.audio.format import LINE, AudioFormat
from getpatter.engines.base import RealtimeEngine
from getpatter.engines.gemini import GeminiLive
from getpatter.engines.openai_realtime import OpenAIRealtime
from getpatter.events import BargeIn, Problem, ProviderUsed
from getpatter.llm.base import ToolCall
from getpatter.stt.openai_wire import PCM16
from getpatter.testing.realtime_server import RealtimeServer
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.stage import Stage
from getpatter.testing.vendors.gemini_live import GeminiLiveServer
from getpatter.tools.tool import Tool, tool

FRAME = b"\x40" * 160


@asynccontextmanager
async def stage_with(
    server: RealtimeServer | GeminiLiveServer,
    *,
    format: AudioFormat = LINE,
    tools: tuple[Tool, ...] = (),
    gated: bool = False,
) -> AsyncIterator[Stage]:
    async with server.running(), asyncio.timeout(30):
        engine: RealtimeEngine
        if isinstance(server, RealtimeServer):
            engine = OpenAIRealtime("sk-test", url=server.url, format=format, gate_response_on_transcript=gated)
        else:
            engine = GeminiLive("sk-test", url=server.url)
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


async def test_a_cough_is_no_turn_where_the_engine_is_asked_for_answers_to_words() -> None:
    server = RealtimeServer(Spoken("At what time?"), heard=("", "a table"))
    async with stage_with(server, gated=True) as stage:
        await speaks(stage)
        await until(stage, lambda: bool(server.sessions[0].of("input_audio_buffer.commit")))
        await stage.passes(1)
        assert not server.sessions[0].of("response.create")
        await speaks(stage)
        await until_said(stage, "At what time?")
        assert len(server.sessions[0].of("response.create")) == 1


async def test_what_was_used_is_told_at_the_end_with_that_of_the_session_that_was_lost() -> None:
    server = RealtimeServer(Spoken("At what time?"), Spoken("Goodbye."), heard=("a table", "at eight"))
    async with stage_with(server) as stage:
        await speaks(stage)
        await until_said(stage, "At what time?")
        server.cut()
        await server.connected(2)
        await speaks(stage)
        await until_said(stage, "Goodbye.")
    events = [event for event in stage.events if isinstance(event, ProviderUsed)]
    used = {str(event.used.product): event.used for event in events}
    assert used["openai/gpt-realtime-2.1-mini"].output_tokens == 2 * 80
    assert {event.kind for event in events} == {"engine"}


# -- Gemini


async def test_gemini_hears_a_turn_and_answers_it() -> None:
    server = GeminiLiveServer(Spoken("At what time, please?"), heard=("a table for two",))
    async with stage_with(server) as stage:
        await speaks(stage)
        await until_said(stage, "At what time, please?")
        assert ("caller", "a table for two") in stage.turns()
        assert len(stage.played) == pytest.approx(4 * 0.4 * 8000, abs=320)
        assert len(server.talks[0].audio) == pytest.approx(2 * 16000, rel=0.5)


async def test_gemini_is_told_how_much_of_an_answer_was_heard() -> None:
    server = GeminiLiveServer(
        Spoken("one two three four five six seven eight"), Spoken("Go on."), heard=("hello", "stop that")
    )
    async with stage_with(server) as stage:
        await speaks(stage)
        await until(stage, lambda: bool(stage.played))
        await stage.passes(1.2)
        await speaks(stage)
        await until_said(stage, "Go on.")
        assert stage.happened(BargeIn)
        [note] = [words for who, words in server.talks[0].turns if "heard only this" in words]
        assert "one two three" in note
        assert "seven" not in note


async def test_gemini_waits_for_the_tools_of_an_answer() -> None:
    async def find() -> str:
        return "found"

    call = ToolCall("call_1", "look_up", "{}")
    server = GeminiLiveServer(Spoken("Let me see.", tool_calls=(call,)), Spoken("She is here."))
    look_up = tool(handler=find, name="look_up", description="Finds somebody.")
    async with stage_with(server, tools=(look_up,)) as stage:
        await speaks(stage)
        await until_said(stage, "Let me see. She is here.")
        assert server.seen().results == (("call_1", "found"),)


async def test_gemini_moves_to_another_connection_without_anybody_noticing() -> None:
    server = GeminiLiveServer(Spoken("At what time?"), Spoken("Goodbye."), heard=("a table", "at eight"))
    async with stage_with(server) as stage:
        await speaks(stage)
        await until_said(stage, "At what time?")
        await server.leave()
        await server.connected(2)
        await speaks(stage)
        await until_said(stage, "Goodbye.")
        assert server.talks[1].setup["sessionResumption"] == {"handle": "handle-1"}
        assert "historyConfig" not in server.talks[1].setup
        assert not stage.happened(Problem)


async def test_gemini_is_told_the_history_where_it_has_forgotten_the_session() -> None:
    server = GeminiLiveServer(Spoken("At what time?"), Spoken("Goodbye."), heard=("a table", "at eight"))
    async with stage_with(server) as stage:
        await speaks(stage)
        await until_said(stage, "At what time?")
        server.forgets = True
        await server.leave()
        await server.connected(3)
        await speaks(stage)
        await until_said(stage, "Goodbye.")
        assert server.talks[2].turns[:2] == [("user", "a table"), ("model", "At what time?")]
