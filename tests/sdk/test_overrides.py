from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from getpatter.agent import Agent
from getpatter.engines.openai_realtime import OpenAIRealtime
from getpatter.errors import ConfigurationError
from getpatter.llm.openai_compatible import OpenAICompatibleLLM
from getpatter.sdk.overrides import overridden
from getpatter.sdk.preamble import PREAMBLE
from getpatter.testing.providers import CountingTTS
from getpatter.tools.tool import tool

MakeAgent = Callable[..., Agent]


def test_fields_are_changed_for_one_call(make_agent: MakeAgent) -> None:
    agent, voice, lookup = make_agent(), CountingTTS(), tool(name="lookup", handler=lambda arguments: "")
    changed = overridden(
        agent, {"first_message": "Hello, Ann.", "variables": {"who": "Ann"}, "tts": voice, "tools": [lookup]}
    )
    assert (changed.first_message, changed.variables, changed.tools) == ("Hello, Ann.", {"who": "Ann"}, (lookup,))
    assert changed.tts is voice
    assert agent.first_message == ""


def test_another_prompt_keeps_the_preamble_of_one_that_had_it(make_agent: MakeAgent) -> None:
    told, plain = make_agent(system_prompt=PREAMBLE + "Sell."), make_agent(system_prompt="Sell.")
    assert overridden(told, {"system_prompt": "Help."}).system_prompt == PREAMBLE + "Help."
    assert overridden(plain, {"system_prompt": "Help."}).system_prompt == "Help."


def test_an_engine_changes_its_voice_and_model(make_agent: MakeAgent) -> None:
    engine = OpenAIRealtime("sk-test", model="small", voice="alloy")
    agent = make_agent(engine=engine, llm=None, stt=None, tts=None)
    changed = overridden(agent, {"model": "large", "voice": "marin"})
    assert changed.engine is not None
    assert changed.engine.name == "large at api.openai.com"
    assert engine.name == "small at api.openai.com"


async def test_a_language_model_changes_over_the_same_connections(make_agent: MakeAgent) -> None:
    small = OpenAICompatibleLLM("http://127.0.0.1:1/v1", "small")
    changed = overridden(make_agent(llm=small), {"model": "large"})
    assert changed.llm is not None
    assert (changed.llm.name, small.name) == ("large at 127.0.0.1:1", "small at 127.0.0.1:1")
    await small.close()


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"provider": "pipeline"}, "cannot change 'provider'"),
        ({"voice": "marin"}, "voice of CountingTTS cannot be changed"),
        ({"model": "large"}, "model of AnsweringLLM cannot be changed"),
        ({"stt": None}, "no stt"),
        ({"tools": [1]}, "tools"),
        ({"first_message": None}, "first_message"),
    ],
)
def test_what_cannot_be_changed_is_refused(make_agent: MakeAgent, overrides: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        overridden(make_agent(), overrides)
