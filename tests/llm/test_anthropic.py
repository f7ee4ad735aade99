from __future__ import annotations

import pytest

from getpatter.clock import Clock
from getpatter.errors import ProviderError
from getpatter.llm.anthropic import AnthropicLLM
from getpatter.llm.base import LanguageModel, Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.testing.contracts.llm import LlmContract
from getpatter.testing.contracts.model_stand import MODEL
from getpatter.testing.vendors.anthropic import SIGNATURE, AnthropicServer
from getpatter.testing.vendors.model_server import Answer, ModelServer


class TestAnthropic(LlmContract):
    key_variable = "ANTHROPIC_API_KEY"
    always_tells_usage = True

    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        return AnthropicServer(*answers, key=key, model=model)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        return AnthropicLLM(api_key, MODEL, base_url=url, clock=clock)


THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
MONDAY = ToolCall("toolu_1", "look_up", '{"day": "Monday"}')
TOOL = ToolSpec("look_up", "Look up a day.", {"type": "object", "properties": {"day": {"type": "string"}}})


async def heard(llm: LanguageModel, messages: list[Message]) -> list[ReplyPart]:
    return [part async for part in llm.reply(messages, [TOOL])]


async def test_a_model_that_thinks_before_it_uses_a_tool_is_shown_its_thought_with_the_result() -> None:
    answers = Answer(thoughts="They want Monday.", text="Wait.", tool_calls=(MONDAY,)), Answer(text="At eight.")
    async with AnthropicServer(*answers).running() as server:
        llm = AnthropicLLM("key", MODEL, base_url=server.url, max_tokens=2048, extra_body=THINKING)
        asked = [Message("user", "When?")]
        (call,) = [part for part in await heard(llm, asked) if isinstance(part, ToolCall)]
        assert "They want" not in repr(call)
        asked += [Message("assistant", "Wait.", (call,)), Message("tool", "at eight", tool_call_id=call.id)]
        assert "".join(part.text for part in await heard(llm, asked) if isinstance(part, TextDelta)) == "At eight."
        await llm.close()
    thought = server.requests[1].body["messages"][1]["content"][0]
    assert thought == {"type": "thinking", "thinking": "They want Monday.", "signature": SIGNATURE}


async def test_the_api_refuses_a_thinking_models_call_without_its_thought() -> None:
    async with AnthropicServer().running() as server:
        llm = AnthropicLLM("key", MODEL, base_url=server.url, max_tokens=2048, extra_body=THINKING)
        asked = [
            Message("user", "When?"),
            Message("assistant", "", (MONDAY,)),
            Message("tool", "8", tool_call_id="toolu_1"),
        ]
        with pytest.raises(ProviderError, match="Expected `thinking`"):
            await heard(llm, asked)
        await llm.close()
