"""The stand-in is held honest by the official client, which reads what it sends."""

from __future__ import annotations

import httpx
import pytest

from getpatter.llm.base import ToolCall
from getpatter.metering import UNKNOWN, Used
from getpatter.testing.vendors.openai_chat import Answer, OpenAIServer

openai = pytest.importorskip("openai", reason="the official client is not installed")

CALL = ToolCall("call_1", "look_up", '{"day": "Monday", "people": 2}')


async def test_the_official_client_reads_text_tool_calls_and_usage() -> None:
    answer = Answer(
        text="Let me see. One moment.",
        tool_calls=(CALL,),
        usage=Used(UNKNOWN, input_tokens=30, output_tokens=9, cached_tokens=20),
    )
    async with (
        OpenAIServer(answer, key="k", model="m").running() as server,
        openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0) as client,
        client.chat.completions.stream(
            model="m",
            messages=[{"role": "user", "content": "When?"}],
            tools=[{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}],
            stream_options={"include_usage": True},
        ) as stream,
    ):
        completion = await stream.get_final_completion()
    choice = completion.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == answer.text
    (call,) = choice.message.tool_calls
    assert (call.id, call.function.name, call.function.arguments) == (CALL.id, CALL.name, CALL.arguments)
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (30, 9)
    assert completion.usage.prompt_tokens_details.cached_tokens == 20


@pytest.mark.parametrize(
    ("server", "error"),
    [
        (OpenAIServer(key="another"), openai.AuthenticationError),
        (OpenAIServer(model="another"), openai.NotFoundError),
        (OpenAIServer(Answer(status=429, error={"message": "slow down"})), openai.RateLimitError),
        (OpenAIServer(Answer(status=500, error={"message": "broken"})), openai.InternalServerError),
        (OpenAIServer(Answer(error_after=1, error={"message": "overloaded"})), openai.APIError),
    ],
    ids=["key", "model", "rate", "broken", "stream"],
)
async def test_the_official_client_knows_the_errors(server: OpenAIServer, error: type[Exception]) -> None:
    async with (
        server.running(),
        openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0) as client,
    ):
        with pytest.raises(error):
            async with client.chat.completions.stream(model="m", messages=[]) as stream:
                await stream.until_done()


@pytest.mark.parametrize(
    ("model", "more", "status"),
    [("gpt-6-luna", {}, 400), ("gpt-6-luna", {"reasoning_effort": "none"}, 200), ("gpt-4o-mini", {}, 200)],
)
async def test_a_model_that_thinks_takes_no_tools(model: str, more: dict[str, str], status: int) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    async with OpenAIServer().running() as server, httpx.AsyncClient() as client:
        asked = {"model": model, "messages": [], "tools": [tool], **more}
        answer = await client.post(f"{server.url}/chat/completions", json=asked)
    assert answer.status_code == status
