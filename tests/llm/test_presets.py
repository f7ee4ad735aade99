from __future__ import annotations

from typing import ClassVar

import pytest

from getpatter.clock import Clock
from getpatter.errors import ConfigurationError
from getpatter.llm.base import LanguageModel, ToolSpec
from getpatter.llm.presets import (
    AGENT_TIMEOUT_S,
    OLLAMA,
    PAID,
    VLLM,
    VLLMLLM,
    CerebrasLLM,
    GroqLLM,
    HermesLLM,
    InworldLLM,
    LiteLLMProxyLLM,
    OllamaLLM,
    OpenAILLM,
    OpenClawLLM,
    PresetLLM,
)
from getpatter.metering import Product
from getpatter.testing.contracts.llm import LlmContract
from getpatter.testing.contracts.model_stand import MODEL
from getpatter.testing.contracts.replies import failure, reply
from getpatter.testing.vendors.model_server import Answer, ModelServer
from getpatter.testing.vendors.openai_chat import OpenAIServer


class PresetContract(LlmContract):
    """Of a server that speaks chat completions as OpenAI does."""

    make: ClassVar[type[PresetLLM]]

    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return OpenAIServer(*answers, key=key, model=model)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        return self.make(api_key, MODEL, base_url=url, clock=clock)


class TestOpenAI(PresetContract):
    key_variable = "OPENAI_API_KEY"
    make = OpenAILLM


class TestGroq(PresetContract):
    key_variable = "GROQ_API_KEY"
    make = GroqLLM

    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return OpenAIServer(*answers, key=key, model=model, usage_in="x_groq")


class TestCerebras(PresetContract):
    key_variable = "CEREBRAS_API_KEY"
    make = CerebrasLLM


class TestInworld(PresetContract):
    key_variable = "INWORLD_API_KEY"
    make = InworldLLM


class TestOllama(PresetContract):
    make = OllamaLLM


class TestVLLM(PresetContract):
    make = VLLMLLM


class TestLiteLLMProxy(PresetContract):
    make = LiteLLMProxyLLM


class TestHermes(PresetContract):
    make = HermesLLM
    stalled_s = AGENT_TIMEOUT_S + 1


class TestOpenClaw(LlmContract):
    """Its model is an agent's name."""

    model = f"openclaw/{MODEL}"
    stalled_s = AGENT_TIMEOUT_S + 1

    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return OpenAIServer(*answers, key=key, model=model and f"openclaw/{model}")

    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        return OpenClawLLM(MODEL, api_key, base_url=url, clock=clock)


@pytest.mark.parametrize(
    ("make", "name", "product"),
    [
        (OpenAILLM, "gpt-6-luna at api.openai.com", Product("openai", "gpt-6-luna")),
        (GroqLLM, "openai/gpt-oss-120b at api.groq.com", Product("groq", "openai/gpt-oss-120b")),
        (CerebrasLLM, "gpt-oss-120b at api.cerebras.ai", Product("cerebras", "gpt-oss-120b")),
        (HermesLLM, "hermes-agent at 127.0.0.1:8642", Product("hermes", "hermes-agent")),
    ],
)
def test_each_has_its_address_and_its_model(make: type[PresetLLM], name: str, product: Product) -> None:
    llm = make("sk-0123456789")
    assert (llm.name, llm.product) == (name, product)
    assert make("sk-0123456789", "other").name.startswith("other at ")


@pytest.mark.parametrize("make", [InworldLLM, LiteLLMProxyLLM, OllamaLLM, VLLMLLM])
def test_a_server_without_a_model_of_its_own_wants_one_named(make: type[PresetLLM]) -> None:
    with pytest.raises(ConfigurationError, match="model") as refused:
        make("sk-0123456789")
    assert "`model`" in str(refused.value.next_step)
    assert make("sk-0123456789", "m").name.startswith("m at ")


async def test_the_longest_reply_is_limited_as_the_vendor_calls_it() -> None:
    async with OpenAIServer().running() as server:
        for llm in (
            OpenAILLM("k", base_url=server.url, max_tokens=9),
            OllamaLLM("", "m", base_url=server.url, max_tokens=9),
        ):
            await reply(llm)
            await llm.close()
    first, second = server.requests
    assert first.body["max_completion_tokens"] == second.body["max_tokens"] == 9


@pytest.mark.parametrize(
    ("make", "model", "effort"),
    [
        (OpenAILLM, "", "none"),
        (OpenAILLM, "gpt-5.6-sol", "none"),
        (OpenAILLM, "gpt-4o-mini", None),
        (OpenAILLM, "gpt-6-astra", None),
        (GroqLLM, "", "low"),
        (CerebrasLLM, "", "low"),
        (OllamaLLM, "gpt-6-luna", None),
    ],
)
async def test_nobody_waits_for_thoughts_that_were_not_asked_for(
    make: type[PresetLLM], model: str, effort: str | None
) -> None:
    async with OpenAIServer().running() as server:
        for llm in (
            make("k", model, base_url=server.url),
            make("k", "another", base_url=server.url).with_model(model or make.preset.model),
            make("k", model, base_url=server.url, reasoning_effort="high"),
        ):
            await reply(llm)
            await llm.close()
    assert [asked.body.get("reasoning_effort") for asked in server.requests] == [effort, effort, "high"]


async def test_openais_default_takes_tools() -> None:
    async with OpenAIServer().running() as server:
        llm = OpenAILLM("k", base_url=server.url)
        assert await reply(llm, tools=[ToolSpec("look", "Looks.", {"type": "object", "properties": {}})])
        await llm.close()


def test_a_hermes_names_its_model_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_SERVER_MODEL_NAME", "mine")
    assert HermesLLM().name == "mine at 127.0.0.1:8642"


def test_facts_name_what_the_documentation_shows() -> None:
    for preset in PAID:
        assert preset.facts.vendor == preset.vendor.name
        assert preset.facts.key_variable == preset.vendor.key_variable
        assert preset.facts.billing == "tokens"


def test_headers_that_cannot_be_sent_are_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="extra_headers"):
        OpenAILLM("k", extra_headers={"X-Team": "a\r\nX-Other: b"})


async def test_a_header_that_may_be_a_key_is_kept_out_of_errors() -> None:
    refusal = Answer(status=400, error={"message": "team secret-team-token is unknown"})
    async with OpenAIServer(refusal).running() as server:
        llm = OpenAILLM("k", base_url=server.url, extra_headers={"X-Team": "secret-team-token"})
        assert "secret-team-token" not in (await failure(llm)).message
        await llm.close()


def test_openai_is_asked_to_hold_its_models_to_strict_tools_and_no_other_server() -> None:
    assert [preset.vendor.name for preset in (*PAID, OLLAMA, VLLM) if preset.strict_tools] == ["OpenAI"]
