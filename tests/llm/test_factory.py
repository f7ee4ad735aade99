from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from getpatter.errors import ConfigurationError
from getpatter.llm import presets
from getpatter.llm.base import ToolSpec
from getpatter.llm.factory import billed_at, language_model, preset_at
from getpatter.llm.http import HttpLLM
from getpatter.metering import Product
from getpatter.settings import Settings
from getpatter.testing.contracts.replies import HELLO, failure, reply
from getpatter.testing.vendors.openai_chat import Answer, OpenAIServer


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("PATTER_LLM", "PATTER_LLM_URL", "PATTER_LLM_MODEL", "PATTER_LLM_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Settings(home=tmp_path)


def test_without_a_server_there_is_the_script(settings: Settings) -> None:
    assert language_model(settings).scripted


def test_a_url_and_a_model_give_a_model(settings: Settings) -> None:
    changes = {"llm_url": "http://127.0.0.1:11434/v1", "llm_model": "llama", "llm_key": SecretStr("k")}
    llm = language_model(settings.model_copy(update=changes))
    assert llm.name == "llama at 127.0.0.1:11434"
    assert not llm.scripted


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"llm_url": "http://127.0.0.1:11434/v1"}, "PATTER_LLM_MODEL"),
        ({"llm_model": "llama"}, "PATTER_LLM_URL"),
        ({"llm_key": SecretStr("k")}, "PATTER_LLM_URL"),
    ],
)
def test_a_part_of_the_settings_says_what_is_missing(settings: Settings, changes: dict[str, Any], missing: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        language_model(settings.model_copy(update=changes))
    assert f"Set {missing}" in (raised.value.next_step or "")


@pytest.mark.parametrize(
    ("named", "variable", "name", "product"),
    [
        ("openai/gpt-4o", "OPENAI_API_KEY", "gpt-4o at api.openai.com", "openai/gpt-4o"),
        ("OpenAI", "OPENAI_API_KEY", "gpt-6-luna at api.openai.com", "openai/gpt-6-luna"),
        ("anthropic/claude-haiku-4-5", "ANTHROPIC_API_KEY", "claude-haiku-4-5 at api.anthropic.com", ""),
        ("anthropic", "ANTHROPIC_API_KEY", "claude-haiku-4-5-20251001 at api.anthropic.com", ""),
        ("google", "GOOGLE_API_KEY", "gemini-3.5-flash-lite at generativelanguage.googleapis.com", ""),
        ("groq/openai/gpt-oss-20b", "GROQ_API_KEY", "openai/gpt-oss-20b at api.groq.com", "groq/openai/gpt-oss-20b"),
        ("ollama/qwen3", "", "qwen3 at 127.0.0.1:11434", "local/qwen3"),
        ("openclaw", "", "openclaw/main at 127.0.0.1:18789", "openclaw/openclaw/main"),
    ],
)
def test_a_vendor_and_a_model_are_a_model(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, named: str, variable: str, name: str, product: str
) -> None:
    if variable:
        monkeypatch.setenv(variable, "sk-0123456789")
    llm = language_model(settings.model_copy(update={"llm": named}))
    assert isinstance(llm, HttpLLM)
    assert llm.name == name
    assert str(llm.product) == (product or f"{named.partition('/')[0]}/{name.partition(' ')[0]}")


def test_a_vendor_without_its_key_names_the_variable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(ConfigurationError) as raised:
        language_model(settings.model_copy(update={"llm": "anthropic"}))
    assert "ANTHROPIC_API_KEY" in (raised.value.next_step or "")


@pytest.mark.parametrize(
    "changes",
    [{"llm": "acme/best"}, {"llm": "ollama/qwen3", "llm_url": "http://127.0.0.1:1/v1"}],
    ids=["unknown", "two"],
)
def test_what_cannot_hold_is_refused(settings: Settings, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        language_model(settings.model_copy(update=changes))
    assert "PATTER_LLM_URL" in (raised.value.next_step or "")


@pytest.mark.parametrize(
    ("url", "vendor"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://API.OpenAI.com:443/v1/", "openai"),
        ("https://eu.api.openai.com/v1", "eu.api.openai.com"),
        ("https://api.openai.com.example/v1", "api.openai.com.example"),
        ("http://127.0.0.1:1/v1", "127.0.0.1:1"),
    ],
)
def test_a_vendor_is_known_by_its_host(settings: Settings, url: str, vendor: str) -> None:
    llm = language_model(settings.model_copy(update={"llm_url": url, "llm_model": "m"}))
    assert isinstance(llm, HttpLLM)
    assert llm.product == Product(vendor, "m")


@pytest.mark.parametrize(
    ("url", "preset"),
    [
        ("https://api.openai.com/v1", presets.OPENAI),
        ("https://eu.api.openai.com/v1/chat/completions", presets.OPENAI),
        ("https://api.groq.com/openai/v1", presets.GROQ),
        ("https://API.cerebras.ai:443/v1", presets.CEREBRAS),
        ("https://api.openai.com.example/v1", None),
        ("https://notapi.openai.com/v1", None),
        ("http://[::1/v1", None),
    ],
)
def test_whose_server_it_is_its_host_tells(url: str, preset: presets.Preset | None) -> None:
    assert preset_at(url) is preset


async def test_a_vendor_is_asked_alike_by_its_name_and_by_its_address(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its effort gpt-6-luna refuses tools."""
    strict = ToolSpec("end", "", {"type": "object", "properties": {}, "additionalProperties": False}, strict=True)
    async with OpenAIServer(Answer(text="Hello."), Answer(text="Hello.")).running() as server:
        monkeypatch.setattr(presets, "PAID", (replace(presets.OPENAI, url=server.url),))
        changes = {"llm_url": server.url, "llm_model": "gpt-6-luna", "llm_key": SecretStr("sk-0123456789")}
        by_url = language_model(settings.model_copy(update=changes))
        by_name = presets.OpenAILLM("sk-0123456789", base_url=server.url)
        for llm in (by_url, by_name):
            await reply(llm, HELLO, [strict])
            await llm.close()
    first, second = server.requests
    assert first.body == second.body
    assert first.body["reasoning_effort"] == "none"


@pytest.mark.parametrize("url", ["http://[::1/v1", "nonsense", ""])
def test_an_address_that_is_none_is_nobodys(url: str) -> None:
    assert billed_at(url) == ""


async def test_what_goes_wrong_names_the_settings(settings: Settings) -> None:
    refusals = [
        Answer(status=401, error={"message": "no"}),
        Answer(status=404, error={"message": "no model m"}),
        Answer(status=404, error={"message": "no"}),
    ]
    async with OpenAIServer(*refusals).running() as server:
        changes = {"llm_url": server.url, "llm_model": "m", "llm_key": SecretStr("sk-0123456789")}
        llm = language_model(settings.model_copy(update=changes))
        found = [str((await failure(llm)).next_step) for _ in refusals]
        await llm.close()
    for setting, step in zip(("PATTER_LLM_KEY", "PATTER_LLM_MODEL", "PATTER_LLM_URL"), found, strict=True):
        assert setting in step
