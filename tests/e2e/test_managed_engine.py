"""Calls on the simulated network that an engine holds which takes the turns itself, over its vendor's real wire."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from getpatter import Patter
from getpatter.engines.elevenlabs import ElevenLabsConvAI
from getpatter.engines.ultravox import UltravoxRealtime
from getpatter.events import ToolCalled
from getpatter.llm.base import ToolCall
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.elevenlabs_convai import ElevenLabsConvAIServer
from getpatter.testing.vendors.ultravox import UltravoxServer
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


@pytest.mark.parametrize("vendor", ["elevenlabs", "ultravox"])
async def test_a_whole_call_is_held_by_an_engine_that_leads(
    vendor: str, open_house: OpenHouse, agent: MakeAgent, numbers: Numbers
) -> None:
    server: ElevenLabsConvAIServer | UltravoxServer
    make = ElevenLabsConvAIServer if vendor == "elevenlabs" else UltravoxServer
    server = make(*ANSWERS, heard=("Is Ada there?",), key=KEY)
    async with server.running():
        engine: ElevenLabsConvAI | UltravoxRealtime
        if vendor == "elevenlabs":
            engine = ElevenLabsConvAI("agent_1", KEY, url=server.url)
        else:
            engine = UltravoxRealtime(KEY, url=server.url)
        speaks = agent(engine=engine, llm=None, stt=None, tts=None, tools=(FIND,))
        async with open_house(speaks) as house:
            call_id = await house.place(numbers.patient)
            call = await house.ended(call_id)
            said = await house.transcript(call_id)
            await engine.close()
        await server.quiet()
    assert call.how == ("answered", "agent", "")
    assert said == [("caller", "Is Ada there?"), ("agent", "Let me see. She is here. Goodbye.")]
    assert [event.name for event in call.events if isinstance(event, ToolCalled)] == ["look_up", "end_call"]
    assert server.seen().results[0] == ("call_1", "found")


async def test_a_call_that_nobody_takes_costs_no_conversation(
    open_house: OpenHouse, agent: MakeAgent, numbers: Numbers
) -> None:
    server = ElevenLabsConvAIServer(key=KEY)
    async with server.running():
        engine = ElevenLabsConvAI("agent_1", KEY, url=server.url)
        async with open_house(agent(engine=engine, llm=None, stt=None, tts=None, first_message="Hello.")) as house:
            call = await house.ended(await house.place(numbers.nobody))
        await engine.close()
    assert call.view.outcome == "no_answer"
    assert server.sessions == []


async def test_an_agent_of_elevenlabs_is_called_by_the_python_api(
    home: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch, numbers: Numbers
) -> None:
    monkeypatch.setenv("PATTER_HOME", str(home))
    server = ElevenLabsConvAIServer(*ANSWERS, heard=("Is Ada there?",), key=KEY)
    async with server.running(), asyncio.timeout(120), Patter() as phone:
        engine = ElevenLabsConvAI(agent_id="agent_1", api_key=KEY, url=server.url)
        who = phone.agent(system_prompt="You find people.", engine=engine, tools=[FIND])
        result = await phone.call(numbers.patient, who, wait=True)
    assert result is not None
    assert result.outcome == "answered"
    said = [line["text"] for line in result.transcript if line["role"] in ("user", "assistant")]
    assert said == ["Is Ada there?", "Let me see. She is here. Goodbye."]
