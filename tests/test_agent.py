from __future__ import annotations

import pytest

from getpatter.agent import Agent
from getpatter.errors import ConfigurationError
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.told_engine import ToldEngine

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
