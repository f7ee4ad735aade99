"""LiteLLM's own library in front of a server.  `tests/llm/test_litellm.py` has this run in a process that finds it."""

from __future__ import annotations

import asyncio

import pytest

from getpatter.clock import Clock
from getpatter.connections.ending_models import warn_of_end
from getpatter.llm.base import LanguageModel, TextDelta, ToolCall
from getpatter.llm.litellm import LiteLLMLLM
from getpatter.metering import Product, Used
from getpatter.testing.contracts.llm import LlmContract
from getpatter.testing.contracts.model_stand import MODEL
from getpatter.testing.contracts.replies import HELLO, LOOK_UP, MONDAY, failure, reply, said
from getpatter.testing.vendors.model_server import Answer, ModelServer
from getpatter.testing.vendors.openai_chat import OpenAIServer

SECRET = "sk-secret-key"
USAGE = Used(Product("openai", "m"), input_tokens=30, output_tokens=9, cached_tokens=20)


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Loading takes seconds, which are no part of any test's patience."""
    asyncio.run(LiteLLMLLM().warm())


class TestLiteLLM(LlmContract):
    key_variable = "OPENAI_API_KEY"
    key_where = "its variable"

    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return OpenAIServer(*answers, key=key, model=model)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        vendor = {"custom_llm_provider": "openai"}
        return LiteLLMLLM(MODEL, api_key, base_url=url, clock=clock, extra_body=vendor)


async def test_the_vendor_may_stand_before_the_model() -> None:
    server = OpenAIServer(Answer(text="One moment.", tool_calls=(MONDAY,), usage=USAGE), key="k", model="m")
    async with server.running():
        *texts, call, used = await reply(LiteLLMLLM("openai/m", "k", base_url=server.url), HELLO, [LOOK_UP])
    assert all(isinstance(part, TextDelta) for part in texts)
    assert said(texts) == "One moment."
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments) == (MONDAY.name, MONDAY.arguments)
    assert used == USAGE


async def test_a_refusal_is_told_at_once_and_nothing_printed(capfd: pytest.CaptureFixture[str]) -> None:
    async with OpenAIServer(Answer(status=429, error={"message": "slow down"})).running() as server:
        await failure(LiteLLMLLM("openai/m", "k", base_url=server.url))
    assert len(server.requests) == 1
    assert capfd.readouterr().out == ""


def test_the_end_of_a_vendors_model_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_end.cache_clear()
    LiteLLMLLM("groq/llama-3.1-8b-instant")
    LiteLLMLLM("groq/llama-3.3-70b-versatile", base_url="http://127.0.0.1:1")  # somebody else's of that name
    words = "llama-3.1-8b-instant was retired on 2026-08-16 by groq: use openai/gpt-oss-120b"
    assert [record.getMessage() for record in caplog.records] == [words]


async def test_a_key_that_the_library_found_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    async with OpenAIServer(Answer(status=400, error={"message": f"no, {SECRET}"})).running() as server:
        failed = await failure(LiteLLMLLM("openai/m", base_url=server.url))
    assert SECRET not in failed.message
