"""What language models are asked and give: words, calls of tools, and the count of both."""

from __future__ import annotations

import json

import pytest

from getpatter.llm.base import Message, TextDelta, ToolCall, ToolSpec
from getpatter.metering import UNKNOWN, Used
from getpatter.pricing.pricer import Pricer
from getpatter.testing.contracts.model_stand import ModelStand
from getpatter.testing.contracts.replies import HELLO, LOOK_UP, MONDAY, NOTE, NOTED, reply, said
from getpatter.testing.vendors.model_server import Answer

HUGE = 200_000
"""Bytes of text, more than any call holds."""
LONG = " ".join(str(number) for number in range(4_000))
"""Some 20,000 characters, no two pieces alike: clients may take a model that repeats itself for one that hangs."""


class LlmAnswers(ModelStand):
    """Words, tools, usage."""

    # -- what is said

    @pytest.mark.parametrize(
        "words",
        ["Good evening, what can I do for you?", "Grüß Gott, señor – 東京 👋 “quoted” <b> & \\ \n end.", LONG],
        ids=["plain", "any characters", "long"],
    )
    async def test_text_is_streamed(self, words: str) -> None:
        async with self._served(Answer(text=words)) as (llm, _):
            parts = await reply(llm)
            assert said(parts) == words
            assert sum(isinstance(part, TextDelta) for part in parts) > 1

    async def test_what_is_said_to_it_arrives(self) -> None:
        words = ["Grüß Gott 👋 “quoted” \\ \n end", "x" * HUGE]
        async with self._served(Answer(text="Yes.")) as (llm, server):
            for text in words:
                await reply(llm, [Message("system", "Be brief."), Message("user", text)])
            for text, request in zip(words, server.requests, strict=True):
                assert json.dumps(text)[1:-1] in json.dumps(request.body)

    @pytest.mark.parametrize(
        "messages",
        [
            [],
            [Message("system", "Be brief.")],
            [Message("user", "")],
            [Message("assistant", "Hello, this is Ann.")],
            [Message("user", "Hello?"), Message("assistant", "Hello."), Message("user", "   ")],
            [Message("user", "One."), Message("user", "Two."), Message("assistant", "Three.")],
        ],
        ids=["nothing", "prompt", "silence", "we spoke first", "silence later", "in a row"],
    )
    async def test_any_beginning_is_answered(self, messages: list[Message]) -> None:
        async with self._served(Answer(text="Yes.")) as (llm, _):
            assert said(await reply(llm, messages)) == "Yes."

    async def test_thoughts_are_not_said(self) -> None:
        async with self._served(Answer(text="Yes.", thoughts="They want to know whether.")) as (llm, _):
            assert said(await reply(llm)) == "Yes."

    async def test_nothing_to_say_is_no_error(self) -> None:
        async with self._served(Answer(text="")) as (llm, _):
            assert said(await reply(llm)) == ""

    # -- tools

    async def test_tools_are_called_with_their_arguments(self) -> None:
        answer = Answer(text="One moment.", tool_calls=(MONDAY, NOTED))
        async with self._served(answer) as (llm, _):
            parts = await reply(llm, tools=[LOOK_UP, NOTE])
            assert said(parts) == "One moment."
            calls = [part for part in parts if isinstance(part, ToolCall)]
            assert [call.name for call in calls] == ["look_up", "note"]
            assert [json.loads(call.arguments) for call in calls] == [
                json.loads(MONDAY.arguments),
                json.loads(NOTED.arguments),
            ]
            assert len({call.id for call in calls}) == 2

    async def test_a_tool_without_arguments_is_called_with_none(self) -> None:
        async with self._served(Answer(tool_calls=(ToolCall("call_1", "hang_up", "{}"),))) as (llm, _):
            parts = await reply(llm, tools=[ToolSpec("hang_up", "Hang up.", {"type": "object", "properties": {}})])
            (call,) = [part for part in parts if isinstance(part, ToolCall)]
            assert json.loads(call.arguments) == {}

    async def test_results_of_tools_are_sent_back(self) -> None:
        async with self._served(Answer(tool_calls=(MONDAY, NOTED)), Answer(text="At eight.")) as (llm, server):
            calls = [part for part in await reply(llm, tools=[LOOK_UP, NOTE]) if isinstance(part, ToolCall)]
            texts = ("8 pm", '{"ok": 1}')
            results = [Message("tool", text, tool_call_id=call.id) for text, call in zip(texts, calls, strict=True)]
            messages = [*HELLO, Message("assistant", "", tuple(calls)), *results]
            assert said(await reply(llm, messages, tools=[LOOK_UP, NOTE])) == "At eight."
            asked = json.dumps(server.requests[1].body)
            assert "8 pm" in asked
            assert "window seat" in asked

    async def test_calls_that_another_model_made_are_understood(self) -> None:
        call = ToolCall("toolu|01:ä", "look_up", "not JSON")
        messages = [*HELLO, Message("assistant", "Well.", (call,)), Message("tool", "", tool_call_id=call.id)]
        async with self._served(Answer(text="Yes.")) as (llm, _):
            assert said(await reply(llm, messages, tools=[LOOK_UP])) == "Yes."

    # -- what is paid for

    async def test_what_was_used_comes_last(self) -> None:
        usage = Used(UNKNOWN, input_tokens=30, output_tokens=9, cached_tokens=20)
        async with self._served(Answer(text="Yes.", tool_calls=(NOTED,), usage=usage)) as (llm, _):
            *parts, used = await reply(llm, tools=[NOTE])
            assert not any(isinstance(part, Used) for part in parts)
            assert isinstance(used, Used)
            assert (used.input_tokens, used.output_tokens, used.cached_tokens) == (30, 9, 20)
            assert not used.estimated
            assert used.product.vendor
            assert used.product.model == self.model

    async def test_the_exact_model_is_told(self) -> None:
        for served_as, model in ((f"{self.model}-20261001", f"{self.model}-20261001"), ("another", self.model)):
            async with self._served(Answer(text="Yes.", served_as=served_as)) as (llm, _):
                *_, used = await reply(llm)
                assert isinstance(used, Used)
                assert used.product.model == model

    async def test_what_nobody_tells_is_estimated_and_said_so_once(self, caplog: pytest.LogCaptureFixture) -> None:
        if self.always_tells_usage:
            pytest.skip("this vendor always tells")
        pricer = Pricer()
        async with self._served(Answer(text="a" * 400, usage=None)) as (llm, _):
            for _ in range(2):
                *_, used = await reply(llm, [Message("user", "b" * 800)])
                assert isinstance(used, Used)
                assert used.estimated
                assert (used.input_tokens, used.output_tokens) == (200, 100)
                pricer.charge(used)
        assert sum("estimates" in record.message for record in caplog.records) == 1
