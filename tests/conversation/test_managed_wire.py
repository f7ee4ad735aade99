"""Whole talks with engines that take turns themselves, to servers that speak their protocols: the clock is the test's,
the socket real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from getpatter.agent import Agent
from getpatter.conversation.actions import Farewell
from getpatter.engines.base import RealtimeEngine
from getpatter.engines.elevenlabs import ElevenLabsConvAI
from getpatter.engines.ultravox import UltravoxRealtime
from getpatter.events import BargeIn, ToolCalled
from getpatter.llm.base import ToolCall
from getpatter.testing.clock import ManualClock
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.stage import Stage
from getpatter.testing.vendors.elevenlabs_convai import ElevenLabsConvAIServer
from getpatter.testing.vendors.ultravox import UltravoxServer
from getpatter.tools.tool import Tool, tool

FRAME = b"\x40" * 160
SILENCE = b"\xff" * 160

Server = ElevenLabsConvAIServer | UltravoxServer
MakeServer = Callable[..., Server]
on_each_vendor = pytest.mark.parametrize(
    "make", [ElevenLabsConvAIServer, UltravoxServer], ids=["elevenlabs", "ultravox"]
)


@asynccontextmanager
async def stage_with(
    server: Server, *, tools: tuple[Tool, ...] = (), first_message: str = "", clock: ManualClock | None = None
) -> AsyncIterator[Stage]:
    async with server.running(), asyncio.timeout(60):
        engine: RealtimeEngine
        if isinstance(server, UltravoxServer):
            engine = UltravoxRealtime("sk-test", url=server.url)
        else:
            engine = ElevenLabsConvAI("agent_1", "sk-test", url=server.url)
        agent = Agent(system_prompt="You book tables.", engine=engine, tools=tools, first_message=first_message)
        stage = Stage(agent, clock=clock)
        try:
            await stage.start()
            yield stage
        finally:
            await stage.talk.close()
            stage.pacer.close()
            await engine.close()


async def speaks(stage: Stage) -> None:
    """The caller says something, and is silent then; the engine hears both."""
    await stage.begins_to_speak()
    for _ in range(25):
        stage.talk.hear(FRAME)
    for _ in range(50):
        stage.talk.hear(SILENCE)
    await stage.stops_speaking()


async def until(stage: Stage, condition: Callable[[], bool]) -> None:
    """Let the network do its work without time passing."""
    while not condition():
        await stage.settle()


async def passes_with_network(stage: Stage, seconds: float) -> None:
    """Time passes, and no faster than the network does its work; the line is silent."""
    for _ in range(round(seconds / 0.02)):
        for _ in range(5):
            await stage.settle()
        await stage.passes(0.02)
        stage.talk.hear(SILENCE)


def farewell_of(server: Server) -> Farewell:
    """Of a connection that is closed in good order: no agent at Ultravox is given a tool to hang up with."""
    if isinstance(server, UltravoxServer):
        return Farewell("engine", f"fixie-ai/ultravox at {urlsplit(server.url).netloc} has ended the call")
    return Farewell("agent", "the agent ended the call")


async def until_said(stage: Stage, text: str) -> None:
    while ("agent", text) not in stage.turns():
        await passes_with_network(stage, 0.02)


@on_each_vendor
async def test_a_call_from_its_greeting_to_its_end(make: MakeServer) -> None:
    goodbye = ToolCall("call_2", "end_call", '{"reason": "done"}')
    server = make(
        Spoken("At what time, please?"), Spoken("Goodbye.", tool_calls=(goodbye,)), heard=("a table", "at seven")
    )
    async with stage_with(server, first_message="Good morning.") as stage:
        await until_said(stage, "Good morning.")
        await speaks(stage)
        await until_said(stage, "At what time, please?")
        await speaks(stage)
        while stage.ended is None:
            await passes_with_network(stage, 0.02)
        assert stage.turns() == [
            ("agent", "Good morning."),
            ("caller", "a table"),
            ("agent", "At what time, please?"),
            ("caller", "at seven"),
            ("agent", "Goodbye."),
        ]
        assert stage.ended[0].ended_by == "agent"
        assert len(server.sessions) == 1


@on_each_vendor
async def test_the_caller_interrupts(make: MakeServer) -> None:
    clock = ManualClock()
    server = make(Spoken("one two three " * 20), Spoken("Very well."), heard=("count", "stop"), pace=1.0, clock=clock)
    async with stage_with(server, clock=clock) as stage:
        await speaks(stage)
        await until(stage, lambda: bool(stage.played))
        await passes_with_network(stage, 1.0)
        await speaks(stage)
        await until_said(stage, "Very well.")
        said = [text for role, text in stage.turns() if role == "agent"]
        assert stage.happened(BargeIn)
        assert 2 <= len(said[0].split()) <= 5


@on_each_vendor
async def test_a_tool_runs_in_an_answer(make: MakeServer) -> None:
    async def find(name: str) -> str:
        """Finds somebody."""
        return f"found {name}"

    call = ToolCall("call_1", "find", '{"name": "Ada"}')
    server = make(Spoken("Let me see.", tool_calls=(call,)), Spoken("She is here."), heard=("is Ada there",))
    async with stage_with(server, tools=(tool(find),)) as stage:
        await speaks(stage)
        await until_said(stage, "Let me see. She is here.")
        assert stage.happened(ToolCalled)
        assert server.seen().results == (("call_1", "found Ada"),)


@on_each_vendor
async def test_what_a_slow_tool_found_is_told_when_it_comes(make: MakeServer) -> None:
    found = asyncio.Event()

    async def find(name: str) -> str:
        """Finds somebody."""
        await found.wait()
        return f"found {name}"

    call = ToolCall("call_1", "find", '{"name": "Ada"}')
    server = make(Spoken("Let me see.", tool_calls=(call,)), Spoken("She is here."), heard=("is Ada there",))
    async with stage_with(server, tools=(tool(find),)) as stage:
        await speaks(stage)
        await until(stage, lambda: bool(stage.played))
        await passes_with_network(stage, 15.0)
        found.set()
        await until_said(stage, "Let me see. She is here.")


@on_each_vendor
async def test_a_connection_that_breaks_in_an_answer_is_made_again(make: MakeServer) -> None:
    server = make(Spoken("At what time?", drop_after=0), Spoken("At what time?"), heard=("a table",))
    async with stage_with(server) as stage:
        await speaks(stage)
        await until_said(stage, "At what time?")
        assert stage.turns() == [("caller", "a table"), ("agent", "At what time?")]
        assert len(server.sessions) == 2
        assert "a table" in server.seen(1).words
        assert stage.ended is None


@on_each_vendor
async def test_an_agent_that_hangs_up_by_itself_is_heard_out_first(make: MakeServer) -> None:
    server = make(Spoken("Goodbye and have a good day."), heard=("that is all",))
    async with stage_with(server) as stage:
        await speaks(stage)
        await until(stage, lambda: bool(stage.played))
        await passes_with_network(stage, 0.2)
        await server.sessions[0].close(1000, "")
        while stage.ended is None:
            await passes_with_network(stage, 0.02)
        assert stage.turns() == [("caller", "that is all"), ("agent", "Goodbye and have a good day.")]
        assert stage.ended == (farewell_of(server), None)


@on_each_vendor
async def test_an_agent_that_hangs_up_in_place_of_an_answer_ends_the_call_at_once(make: MakeServer) -> None:
    server = make(Spoken("Yes?", stall_after=0), heard=("that is all",))
    async with stage_with(server) as stage:
        await speaks(stage)
        await until(stage, lambda: ("caller", "that is all") in stage.turns())
        await server.sessions[0].close(1000, "")
        await until(stage, lambda: stage.ended is not None)
        assert stage.ended == (farewell_of(server), None)
