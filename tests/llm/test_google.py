from __future__ import annotations

from getpatter.clock import Clock
from getpatter.llm.base import LanguageModel
from getpatter.llm.google import GoogleLLM
from getpatter.testing.contracts.llm import MODEL, LlmContract
from getpatter.testing.vendors.google import GoogleServer
from getpatter.testing.vendors.model_server import Answer, ModelServer


class TestGoogle(LlmContract):
    key_variable = "GOOGLE_API_KEY"

    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return GoogleServer(*answers, key=key, model=model)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        return GoogleLLM(api_key, MODEL, base_url=url, clock=clock)
