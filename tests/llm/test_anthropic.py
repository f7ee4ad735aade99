from __future__ import annotations

from getpatter.clock import Clock
from getpatter.llm.anthropic import AnthropicLLM
from getpatter.llm.base import LanguageModel
from getpatter.testing.contracts.llm import MODEL, LlmContract
from getpatter.testing.vendors.anthropic import AnthropicServer
from getpatter.testing.vendors.model_server import Answer, ModelServer


class TestAnthropic(LlmContract):
    key_variable = "ANTHROPIC_API_KEY"
    always_tells_usage = True

    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return AnthropicServer(*answers, key=key, model=model)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        return AnthropicLLM(api_key, MODEL, base_url=url, clock=clock)
