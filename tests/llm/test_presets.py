from __future__ import annotations

from getpatter.clock import Clock
from getpatter.llm.base import LanguageModel
from getpatter.llm.presets import CerebrasLLM, GroqLLM, OllamaLLM, OpenAILLM
from getpatter.testing.contracts.llm import MODEL, LlmContract
from getpatter.testing.vendors.model_server import Answer, ModelServer
from getpatter.testing.vendors.openai_chat import OpenAIServer


class TestOpenAI(LlmContract):
    key_variable = "OPENAI_API_KEY"

    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return OpenAIServer(*answers, key=key, model=model)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        return OpenAILLM(api_key, MODEL, base_url=url, clock=clock)


class TestGroq(LlmContract):
    key_variable = "GROQ_API_KEY"

    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return OpenAIServer(*answers, key=key, model=model, usage_in="x_groq")

    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        return GroqLLM(api_key, MODEL, base_url=url, clock=clock)


class TestOllama(LlmContract):
    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return OpenAIServer(*answers, key=key, model=model)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        return OllamaLLM(api_key, MODEL, base_url=url, clock=clock)
