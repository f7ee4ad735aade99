"""What can think for an agent, and what cannot."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

from getpatter.agent import Agent
from getpatter.errors import ConfigurationError
from getpatter.llm.brains import language_model_of
from getpatter.llm.callable import CallableLLM
from getpatter.llm.graph import LangGraphLLM
from getpatter.llm.remote import RemoteLLM
from getpatter.sdk.agent_options import agent_from
from getpatter.sdk.overrides import overridden
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT


def graph() -> StateGraph[MessagesState]:
    made = StateGraph(MessagesState)
    made.add_node("talk", lambda state: {"messages": [AIMessage("Yes.")]})
    made.add_edge(START, "talk")
    return made


async def answer(message: dict[str, Any]) -> str:
    return "Yes."


BRAINS = [
    (answer, CallableLLM),
    (graph().compile(), LangGraphLLM),
    ("https://brain.example.com/answer", RemoteLLM),
    ("wss://brain.example.com/calls", RemoteLLM),
    (AnsweringLLM("Yes."), AnsweringLLM),
]


@pytest.mark.parametrize(("brain", "kind"), BRAINS)
def test_an_agent_takes_every_kind(brain: Any, kind: type) -> None:
    agent = Agent(system_prompt="Be quick.", llm=brain, stt=TellableSTT(), tts=CountingTTS())
    assert type(agent.llm) is kind
    assert type(overridden(agent, {"llm": brain}).llm) is kind


@pytest.mark.parametrize(("brain", "kind"), BRAINS)
def test_the_programs_keywords_take_every_kind(brain: Any, kind: type) -> None:
    made = agent_from({"system_prompt": "Be quick.", "stt": TellableSTT(), "tts": CountingTTS(), "llm": brain})
    assert type(made.llm) is kind


def test_what_is_a_model_already_stays_as_it_is() -> None:
    model = AnsweringLLM("Yes.")
    assert language_model_of(model) is model


@pytest.mark.parametrize(
    ("thing", "why"),
    [
        ("gpt-4o-mini", "no address"),
        (graph(), "not compiled"),
        (RemoteLLM, "the class RemoteLLM"),
        (5, "of type int"),
    ],
)
def test_what_cannot_think_is_refused_with_what_can(thing: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as refused:
        language_model_of(thing)
    assert refused.value.next_step
