from __future__ import annotations

from typing import Any

import pytest

from getpatter.agent import Agent
from getpatter.errors import ConfigurationError
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.told_engine import ToldEngine
from getpatter.tools.tool import Tool

LLM, STT, TTS = AnsweringLLM("Yes."), TellableSTT(), CountingTTS()


def test_an_agent_is_a_mind_an_ear_and_a_voice() -> None:
    providers = Agent(system_prompt="", llm=LLM, stt=STT, tts=TTS).providers
    assert (providers.llm, providers.stt, providers.tts) == (LLM, STT, TTS)


def test_an_engine_may_be_all_three() -> None:
    agent = Agent(system_prompt="", engine=ToldEngine("Yes."))
    with pytest.raises(ConfigurationError, match="engine"):
        _ = agent.providers


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no stt and no tts"):
        Agent(system_prompt="", llm=LLM)


def test_an_engine_leaves_nothing_to_do_for_others() -> None:
    with pytest.raises(ConfigurationError, match="nothing to do for llm"):
        Agent(system_prompt="", engine=ToldEngine("Yes."), llm=LLM)


def look_up(name: str) -> Tool:
    def handler() -> str:
        """Looks something up."""
        return ""

    return Tool(name=name, handler=handler)


def talker(**settings: Any) -> Agent:
    return Agent(system_prompt="", llm=LLM, stt=STT, tts=TTS, **settings)


@pytest.mark.parametrize("names", [("look", "look"), ("end_call",), ("send_dtmf",)])
def test_no_two_tools_have_one_name(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match=f"two tools named {names[0]!r}"):
        talker(tools=tuple(map(look_up, names)))


def test_the_name_of_a_built_in_tool_is_free_where_the_agent_lacks_that_tool() -> None:
    tools = (look_up("send_dtmf"), look_up("transfer_call"), look_up("handoff_to"))
    assert talker(tools=tools, use_keys=False).tools == tools


def test_agents_to_hand_over_to_are_told_by_their_names() -> None:
    with pytest.raises(ConfigurationError, match="two handoffs named 'sales'"):
        talker(handoffs=(talker(name="sales"), talker(name="sales")))


def test_a_transfer_target_is_a_number() -> None:
    with pytest.raises(ConfigurationError, match="transfer target"):
        talker(transfer_to=("the front desk",))
