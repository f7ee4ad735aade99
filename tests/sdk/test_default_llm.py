from __future__ import annotations

from collections.abc import Callable

import pytest

from getpatter.agent import Agent
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.sdk.default_llm import DefaultLLM, with_model

pytestmark = pytest.mark.usefixtures("no_keys")


async def test_the_model_of_the_settings_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("PATTER_LLM_URL", "http://127.0.0.1:11434/v1")
    monkeypatch.setenv("PATTER_LLM_MODEL", "qwen3")
    model = DefaultLLM().chosen()
    assert model.name == "qwen3 at 127.0.0.1:11434"
    await model.close()


@pytest.mark.parametrize(("named", "name"), [("", "gpt-6-luna"), ("gpt-5", "gpt-5")])
async def test_with_a_key_alone_it_is_openais(monkeypatch: pytest.MonkeyPatch, named: str, name: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    model = DefaultLLM(named).chosen()
    assert model.name == f"{name} at api.openai.com"
    await model.close()


def test_without_any_the_error_says_what_there_could_be(make_agent: Callable[..., Agent]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        with_model(make_agent(llm=DefaultLLM()))
    assert "on_message" in (refused.value.next_step or "")


def test_an_agent_with_a_model_keeps_it(make_agent: Callable[..., Agent]) -> None:
    agent = make_agent()
    assert with_model(agent) is agent


async def test_it_says_nothing_itself() -> None:
    with pytest.raises(ProviderError):
        await anext(DefaultLLM().reply([], []))
