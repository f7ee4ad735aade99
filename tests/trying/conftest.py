from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from getpatter.agent import Agent
from getpatter.llm.base import LanguageModel
from getpatter.trying import TextEar, TextVoice

AgentFor = Callable[..., Agent]


@pytest.fixture
def agent_for() -> AgentFor:
    """An agent with this language model, and fields by name."""

    def make(llm: LanguageModel, **changes: Any) -> Agent:
        plain = Agent(system_prompt="You book tables.", llm=llm, stt=TextEar(), tts=TextVoice())
        return replace(plain, **changes)

    return make
