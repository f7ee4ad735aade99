"""Whole conversations with brains of the user's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from getpatter.conversation.actions import Farewell
from getpatter.llm.base import ToolCall
from getpatter.llm.remote import RemoteLLM
from getpatter.testing.brain_server import BrainAnswer, BrainServer
from getpatter.testing.providers import CountingTTS, TellableSTT
from getpatter.testing.stage import Stage
from getpatter.tools.context import ToolContext

CallOf = Callable[..., Stage]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SAYS = ["are you open", "thank you"]


async def spoken(stage: Stage, tts: CountingTTS, count: int) -> None:
    """Wait for words that come over a real network, while the stage's clock stands."""
    async with asyncio.timeout(60):
        while len(tts.spoken) < count:
            await stage.settle()


async def test_a_function_answers_and_ends_the_call(call_of: CallOf) -> None:
    calls: list[str] = []

    async def answer(message: dict[str, Any], call: ToolContext) -> AsyncIterator[str | ToolCall]:
        calls.append(call.call_id)
        if message["text"] == "thank you":
            yield "Goodbye. "
            yield ToolCall("1", "end_call", "{}")
        else:
            yield f"You asked: {message['text']}."

    stage = call_of(llm=answer, stt=TellableSTT(SAYS))
    await stage.start()
    await stage.says()
    await stage.passes(3)
    await stage.says()
    await stage.passes(3)
    assert [text for role, text in stage.turns() if role == "agent"] == ["You asked: are you open.", "Goodbye."]
    assert stage.ended is not None
    assert isinstance(stage.ended[0], Farewell)
    assert calls == ["call_1", "call_1"]


async def test_a_graph_remembers_what_was_heard(call_of: CallOf) -> None:
    seen: list[list[str]] = []

    def talk(state: MessagesState) -> dict[str, Any]:
        seen.append([str(one.content) for one in state["messages"] if isinstance(one, HumanMessage | AIMessage)])
        return {"messages": [AIMessage("We are open until six today.")]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", talk)
    graph.add_edge(START, "talk")
    stage = call_of(llm=graph.compile(checkpointer=InMemorySaver()), stt=TellableSTT(SAYS))
    await stage.start()
    await stage.says()
    await stage.passes(0.6)
    await stage.says()  # over the agent's words
    await stage.passes(3)
    first, second = seen
    assert first == ["are you open"]
    assert second[0] == "are you open"
    assert second[-1] == "thank you"
    assert second[1].endswith("—")
    assert second[1] != "We are open until six today."


@pytest.mark.parametrize("way", ["url", "socket_url"])
async def test_a_server_answers_and_ends_the_call(call_of: CallOf, way: str) -> None:
    end = {"tool_calls": [{"id": "1", "name": "end_call", "arguments": {}}]}
    answers = (
        BrainAnswer(messages=({"text": "We are "}, {"text": "open."})),
        BrainAnswer(messages=({"text": "Bye."}, end)),
    )
    tts = CountingTTS()
    async with BrainServer(*answers, secret=SECRET).running() as server:
        brain = RemoteLLM(vars(server)[way], secret=SECRET)
        stage = call_of(llm=brain, stt=TellableSTT(SAYS), tts=tts)
        await stage.start()
        await stage.says()
        await spoken(stage, tts, 1)
        await stage.passes(3)
        await stage.says()
        await spoken(stage, tts, 2)
        await stage.passes(3)
        assert [text for role, text in stage.turns() if role == "agent"] == ["We are open.", "Bye."]
        assert stage.ended is not None
        assert [one.question["call"]["id"] for one in server.asked] == ["call_1", "call_1"]
        assert "end_call" in [tool["name"] for tool in server.asked[0].question["tools"]]
        await stage.talk.close()
