from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.metering import Product
from getpatter.providers.catalogue import CATALOGUE, Adapter
from getpatter.providers.products import Bought, bought
from getpatter.settings import load


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def of(tmp_path: Path, **given: str) -> list[Bought]:
    nothing = {"stt": "", "tts": "", "llm": "", "engine": "", "llm_url": "", "llm_model": ""}
    return list(bought(load(home=tmp_path, **nothing | given)))


def test_each_part_is_bought_with_the_model_behind_the_slash_or_the_default(tmp_path: Path) -> None:
    found = of(tmp_path, stt="whisper-api", tts="Cartesia/sonic-2", llm="groq/openai/gpt-oss-20b")
    assert [(one.product, one.setting) for one in found] == [
        (Product("openai", "whisper-1"), "PATTER_STT"),
        (Product("cartesia", "sonic-2"), "PATTER_TTS"),
        (Product("groq", "openai/gpt-oss-20b"), "PATTER_LLM"),
    ]
    (engine,) = of(tmp_path, engine="openai/gpt-realtime")
    assert (engine.product, engine.setting) == (Product("openai", "gpt-realtime"), "PATTER_ENGINE")


@pytest.mark.parametrize(
    ("named", "product"),
    [
        ("litellm", "openai/gpt-6-luna"),
        ("litellm/gpt-4o", "openai/gpt-4o"),
        ("litellm/groq/llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"),
        ("litellm/gemini/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("litellm/openrouter/openai/gpt-4o", "openrouter/openai/gpt-4o"),
    ],
)
def test_what_litellm_reaches_is_its_vendors(tmp_path: Path, named: str, product: str) -> None:
    (found,) = of(tmp_path, llm=named)
    assert str(found.product) == product


@pytest.mark.parametrize(
    ("given", "successor", "value"),
    [
        ({"llm": "groq/llama-3.3-70b-versatile"}, "openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
        ({"llm": "litellm/groq/llama-3.3-70b-versatile"}, "openai/gpt-oss-120b", "litellm/groq/openai/gpt-oss-120b"),
        ({"llm": "litellm/gpt-4o"}, "gpt-6-luna", "litellm/gpt-6-luna"),
        ({"stt": "openai/gpt-4o-transcribe"}, "gpt-transcribe", "openai/gpt-transcribe"),
        # Which takes Whisper's models and no others.
        ({"stt": "whisper-api"}, "gpt-transcribe", "openai-transcribe/gpt-transcribe"),
        ({"llm_url": "https://api.groq.com/openai/v1", "llm_model": "m"}, "openai/gpt-oss-120b", "openai/gpt-oss-120b"),
    ],
)
def test_another_model_is_named_as_its_setting_wants_it(
    tmp_path: Path, given: dict[str, str], successor: str, value: str
) -> None:
    (found,) = of(tmp_path, **given)
    assert found.instead(successor) == value


def test_a_model_at_a_vendors_address_is_the_vendors(tmp_path: Path) -> None:
    (found,) = of(tmp_path, llm_url="https://api.openai.com/v1", llm_model="gpt-4o")
    assert found == Bought(Product("openai", "gpt-4o"), "PATTER_LLM_MODEL")
    (found,) = of(tmp_path, llm_url="http://127.0.0.1:1/v1", llm_model="gpt-4o")
    assert found.product.vendor == "127.0.0.1:1"


def test_what_is_behind_the_slash_may_be_no_model(tmp_path: Path) -> None:
    (found,) = of(tmp_path, engine="elevenlabs/agent_17")
    assert found.product.model != "agent_17"


def test_what_is_not_known_is_passed_over(tmp_path: Path) -> None:
    assert of(tmp_path, stt="nobody/x", tts="whisper") == []
    assert of(tmp_path) == []


@pytest.mark.parametrize("adapter", CATALOGUE, ids=lambda adapter: f"{adapter.kind}-{adapter.name}")
def test_every_paid_adapters_vendor_is_known_by_one_word(adapter: Adapter) -> None:
    if adapter.facts.key_variable and adapter.facts.billing:
        assert " " not in adapter.facts.product().vendor
