from __future__ import annotations

import pytest

from getpatter.clock import Clock
from getpatter.errors import ConfigurationError
from getpatter.llm.base import LanguageModel, Message, ToolCall
from getpatter.llm.google import GoogleLLM
from getpatter.testing.contracts.llm import LlmContract
from getpatter.testing.contracts.model_stand import MODEL
from getpatter.testing.contracts.replies import HELLO, LOOK_UP, failure, reply, said
from getpatter.testing.vendors.google import GoogleServer
from getpatter.testing.vendors.model_server import Answer, ModelServer


class TestGoogle(LlmContract):
    key_variable = "GOOGLE_API_KEY"

    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return GoogleServer(*answers, key=key, model=model)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        return GoogleLLM(api_key, MODEL, base_url=url, clock=clock)


@pytest.mark.parametrize(("delay", "seconds"), [("37s", "37"), ("37.826s", "38"), ("0.5s", "1")])
async def test_google_says_in_the_body_when_to_come_again(delay: str, seconds: str) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    busy = Answer(status=429, error={"message": "Quota exceeded.", "details": details})
    async with GoogleServer(busy).running() as server:
        llm = GoogleLLM("k", MODEL, base_url=server.url)
        assert (await failure(llm)).next_step == f"Try again in {seconds} s."
        await llm.close()


@pytest.mark.parametrize("details", [None, 5, [5], [{"retryDelay": "soon"}]])
async def test_a_refusal_whose_details_cannot_be_read_is_one(details: object) -> None:
    busy = Answer(status=429, error={"message": "Quota exceeded.", "details": details})
    async with GoogleServer(busy).running() as server:
        llm = GoogleLLM("k", MODEL, base_url=server.url)
        assert (await failure(llm)).next_step == "Try again in a moment."
        await llm.close()


async def test_the_other_variable_of_the_key_comes_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "other")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    async with GoogleServer().running() as server:
        await used_once(GoogleLLM(base_url=server.url))
        monkeypatch.setenv("GOOGLE_API_KEY", "first")
        await used_once(GoogleLLM(base_url=server.url))
    assert [request.headers["x-goog-api-key"] for request in server.requests] == ["other", "first"]


async def test_vertex_takes_a_token_that_is_asked_for_anew() -> None:
    tokens = iter(["one", "two\n"])  # with the line end of the program that printed it
    async with GoogleServer().running() as server:
        llm = GoogleLLM(token=lambda: next(tokens), base_url=server.url)
        await reply(llm)
        await reply(llm)
        failed = await failure(llm)
        await llm.warm()
        await llm.close()
        await used_once(GoogleLLM(token="fixed\n", base_url=server.url))
    assert [request.headers["authorization"] for request in server.requests] == [
        "Bearer one",
        "Bearer two",
        "Bearer fixed",
    ]
    assert "no token" in failed.message


def test_a_token_without_an_address_cannot_work() -> None:
    with pytest.raises(ConfigurationError, match="Vertex"):
        GoogleLLM(token="t")


async def test_a_signature_comes_back_with_its_call() -> None:
    call = ToolCall("call_1", "look_up", '{"day": "Monday"}', "c2ln")
    server = GoogleServer(Answer(tool_calls=(call,)), Answer(text="At eight."), model="gemini-3-flash")
    async with server.running():
        llm = GoogleLLM("k", "gemini-3-flash", base_url=server.url)
        found = [part for part in await reply(llm, tools=[LOOK_UP]) if isinstance(part, ToolCall)]
        result = Message("tool", "at eight", tool_call_id="call_1")
        messages = [*HELLO, Message("assistant", "", tuple(found)), result]
        assert said(await reply(llm, messages, tools=[LOOK_UP])) == "At eight."
        await llm.close()


async def used_once(llm: GoogleLLM) -> None:
    await reply(llm)
    await llm.close()
