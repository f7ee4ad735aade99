"""Calls on the simulated network that a speech-to-speech engine holds, over its vendor's real wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from getpatter.engines.gemini import GeminiLive
from getpatter.engines.openai_realtime import OpenAIRealtime, OpenAIRealtime2
from getpatter.events import ToolCalled
from getpatter.llm.base import ToolCall
from getpatter.testing.realtime_server import RealtimeServer
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.gemini_live import GeminiLiveServer
from getpatter.tools.tool import tool

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeAgent, Numbers, OpenHouse

KEY = "sk-e2e"
LOOK_UP = ToolCall("call_1", "look_up", "{}")
END_CALL = ToolCall("call_2", "end_call", '{"reason": "done"}')
ANSWERS = (Spoken("Let me see.", tool_calls=(LOOK_UP,)), Spoken("She is here. Goodbye.", tool_calls=(END_CALL,)))


async def found() -> str:
    return "found"


FIND = tool(handler=found, name="look_up", description="Finds somebody.")


def openai() -> RealtimeServer:
    return RealtimeServer(*ANSWERS, heard=("Is Ada there?",), key=KEY)


def gemini() -> GeminiLiveServer:
    return GeminiLiveServer(*ANSWERS, heard=("Is Ada there?",), key=KEY)


@pytest.mark.parametrize(
    ("engine", "server"),
    [(OpenAIRealtime, openai()), (OpenAIRealtime2, openai()), (GeminiLive, gemini())],
    ids=["mulaw", "pcm16", "gemini"],
)
async def test_a_whole_call_is_held_by_an_engine(
    engine: type[OpenAIRealtime | GeminiLive],
    server: RealtimeServer | GeminiLiveServer,
    open_house: OpenHouse,
    agent: MakeAgent,
    numbers: Numbers,
) -> None:
    async with server.running():
        speaks = agent(engine=engine(KEY, url=server.url), llm=None, stt=None, tts=None, tools=(FIND,))
        async with open_house(speaks) as house:
            call_id = await house.place(numbers.patient)
            call = await house.ended(call_id)
            said = await house.transcript(call_id)
        await server.quiet()
    assert call.how == ("answered", "agent", "")
    assert said == [("caller", "Is Ada there?"), ("agent", "Let me see. She is here. Goodbye.")]
    assert [event.name for event in call.events if isinstance(event, ToolCalled)] == ["look_up", "end_call"]
    assert server.seen().results[0] == ("call_1", "found")
    assert {"look_up", "end_call"} <= set(server.seen().tools)
