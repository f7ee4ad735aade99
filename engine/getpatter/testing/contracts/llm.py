"""What every language model that is reached over HTTP has to do."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import ClassVar

import pytest

from getpatter.clock import Clock, SystemClock
from getpatter.errors import ConfigurationError, PartialReply, ProviderError
from getpatter.llm.base import LanguageModel, Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.fallback import FallbackLLM
from getpatter.llm.scripted import ScriptedLLM
from getpatter.metering import UNKNOWN, Used
from getpatter.pricing.pricer import Pricer
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.contracts.stt import KEY, PATIENCE_S
from getpatter.testing.vendors.model_server import Answer, ModelServer

MODEL = "contract-model"
STALLED_S = 31.0
"""A model that gave nothing for so long gives nothing any more."""
HUGE = 200_000
"""Bytes of text, more than any call holds."""
LONG = " ".join(str(number) for number in range(4_000))
"""Some 20,000 characters, no two pieces alike: clients may take a model that repeats itself for one that hangs."""

HELLO = [Message("system", "Be brief."), Message("user", "Hello?")]
LOOK_UP = ToolSpec(
    "look_up",
    "Look a day up.",
    {"type": "object", "properties": {"day": {"type": "string"}, "people": {"type": "integer"}}, "required": ["day"]},
)
NOTE = ToolSpec("note", "Note something.", {"type": "object", "properties": {"text": {"type": "string"}}})
MONDAY = ToolCall("call_1", "look_up", '{"day": "Mondaÿ", "people": 2}')
NOTED = ToolCall("call_2", "note", '{"text": "window seat"}')


class LlmContract(ABC):
    """Inherit it in a class whose name begins with `Test`, and say what is tested."""

    key_variable: ClassVar[str] = ""
    """Where the vendor's key is looked for; empty where none is needed."""
    key_where: ClassVar[str] = ""
    """What an error calls the place of the key, where that is not its variable."""
    model: ClassVar[str] = MODEL
    """What the vendor calls the model that the adapter was made with."""
    stalled_s: ClassVar[float] = STALLED_S
    """After so long a silence nothing comes any more."""
    always_tells_usage: ClassVar[bool] = False
    """The vendor has no answer without usage."""

    @abstractmethod
    def server(self, *answers: Answer, key: str = "", model: str = "") -> ModelServer:
        """What stands in for the vendor."""

    @abstractmethod
    def provider(self, url: str, *, api_key: str, clock: Clock) -> LanguageModel:
        """The adapter of `MODEL`, led to the server; with an empty `api_key` it looks for its variable."""

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

    # -- connections

    async def test_replies_share_a_connection_which_can_be_opened_before(self) -> None:
        async with self._served(Answer(text="Yes.")) as (llm, server):
            await llm.warm()
            for _ in range(3):
                await reply(llm)
            assert len({*server.warmed, *(request.connection for request in server.requests)}) == 1

    async def test_calls_are_served_at_once(self) -> None:
        async with self._served(Answer(text="Yes.")) as (llm, _):
            replies = await asyncio.gather(*(reply(llm) for _ in range(8)))
            assert {said(parts) for parts in replies} == {"Yes."}

    async def test_warming_never_fails(self) -> None:
        await self._alone("http://127.0.0.1:1", warm=True)
        async with self._served(key="another") as (llm, _):
            await llm.warm()

    async def test_an_answer_that_nobody_wants_stops_at_the_server(self) -> None:
        async with self._stalling() as (llm, server):
            async with aclosing(llm.reply(HELLO, [])) as parts:
                assert isinstance(await anext(parts), TextDelta)
            await (await server.request()).left.wait()

    async def test_a_reader_that_is_cancelled_stops_the_answer(self) -> None:
        async with self._stalling() as (llm, server):
            began = asyncio.Event()

            async def read() -> None:
                async for _ in llm.reply(HELLO, []):
                    began.set()

            reading = asyncio.create_task(read())
            await began.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await (await server.request()).left.wait()

    async def test_it_may_be_closed_twice_and_unused(self) -> None:
        await self._alone("http://127.0.0.1:1")
        async with self._served(Answer(text="Yes.")) as (llm, _):
            await reply(llm)
            await llm.close()
            await llm.close()

    # -- failures

    @pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
    async def test_a_refusal_says_whether_to_try_again(self, status: int) -> None:
        error = {"message": f"no, {KEY}"}
        async with self._served(Answer(status=status, error=error), Answer(text="Yes.")) as (llm, _):
            failed = await failure(llm)
            assert failed.retryable is (status >= 429)
            assert f"HTTP {status}" in failed.message
            assert KEY not in failed.message
            assert said(await reply(llm)) == "Yes."

    async def test_a_busy_server_says_when_to_come_again(self) -> None:
        busy = Answer(status=429, error={"message": "slow down"}, headers={"retry-after": "7"})
        async with self._served(busy) as (llm, _):
            assert "7 s" in str((await failure(llm)).next_step)

    async def test_a_wrong_key_names_where_it_is_set(self) -> None:
        if not self.key_variable:
            pytest.skip("this vendor needs no key")
        async with self._served(key="another") as (llm, _):
            failed = await failure(llm)
            assert not failed.retryable
            assert (self.key_where or self.key_variable) in str(failed.next_step)
            assert KEY not in failed.message

    async def test_an_unknown_model_is_named(self) -> None:
        async with self._served(model="another") as (llm, _):
            failed = await failure(llm)
            assert not failed.retryable
            assert repr(self.model) in failed.message
            assert "model" in str(failed.next_step)

    async def test_an_address_without_the_api_is_told(self) -> None:
        async with self.server().running() as server, asyncio.timeout(PATIENCE_S):
            failed = await self._alone(f"{server.url}/elsewhere")
            assert not failed.retryable
            assert "URL" in str(failed.next_step)

    async def test_nobody_there_is_an_error_that_may_pass(self) -> None:
        failed = await self._alone("http://127.0.0.1:1")
        assert failed.retryable
        assert "cannot be reached" in failed.message

    @pytest.mark.parametrize("begun", [False, True])
    async def test_a_model_that_falls_silent_is_given_up(self, begun: bool) -> None:
        clock = SkippingClock()
        async with self._stalling(begun=begun, clock=clock) as (llm, server):
            async with aclosing(llm.reply(HELLO, [])) as parts:
                if begun:
                    await anext(parts)
                waiting = asyncio.ensure_future(anext(parts))
                request = await server.request()
                # It waits from when it is asked for the next part.
                await asyncio.sleep(0)
                clock.skip(self.stalled_s)
                with pytest.raises(ProviderError, match="in time") as failed:
                    await waiting
            assert failed.value.retryable
            await request.left.wait()

    async def test_a_lost_connection_is_an_error_that_says_what_came_before(self) -> None:
        async with self._breaking(drop=True) as (llm, _):
            failed, parts = await broken(llm)
            assert isinstance(failed, PartialReply)
            assert failed.said == said(parts) != ""
            assert failed.retryable

    async def test_an_error_in_the_stream_is_passed_on_without_the_key(self) -> None:
        async with self._breaking(drop=False) as (llm, _):
            failed, parts = await broken(llm)
            assert said(parts)
            assert "overloaded" in failed.message
            assert KEY not in failed.message
            assert failed.retryable

    async def test_another_model_takes_over_before_the_first_word_and_not_after(self) -> None:
        async with self._served(Answer(status=503, error={"message": "busy"})) as (llm, _):
            both = FallbackLLM([llm, ScriptedLLM()])
            assert said(await reply(both))
        async with self._breaking(drop=True) as (llm, _):
            with pytest.raises(PartialReply) as partial:
                await reply(FallbackLLM([llm, ScriptedLLM()]))
            assert partial.value.said

    # -- secrets

    async def test_a_missing_key_is_told_when_the_model_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if not self.key_variable or self.key_where:
            pytest.skip("this vendor may have no key")
        monkeypatch.delenv(self.key_variable, raising=False)
        with pytest.raises(ConfigurationError) as missing:
            self.provider("http://127.0.0.1:1", api_key="", clock=SystemClock())
        assert self.key_variable in str(missing.value.next_step)

    async def test_the_key_is_taken_from_its_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if not self.key_variable:
            pytest.skip("this vendor needs no key")
        monkeypatch.setenv(self.key_variable, KEY)
        async with self._served(Answer(text="Yes."), api_key="") as (llm, _):
            assert said(await reply(llm)) == "Yes."

    async def test_the_key_goes_in_a_header_and_is_shown_nowhere(self) -> None:
        async with self._served(Answer(text="Yes.")) as (llm, server):
            await reply(llm)
            assert KEY not in server.requests[0].path
            for shown in (llm.name, repr(llm)):
                assert KEY not in shown
                assert MODEL in shown

    # -- means

    @asynccontextmanager
    async def _served(
        self, *answers: Answer, key: str = KEY, model: str = "", api_key: str = KEY, clock: Clock | None = None
    ) -> AsyncIterator[tuple[LanguageModel, ModelServer]]:
        server = self.server(*answers, key=key if self.key_variable else "", model=model)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            llm = self.provider(server.url, api_key=api_key, clock=clock or SystemClock())
            try:
                yield llm, server
            finally:
                await llm.close()

    @asynccontextmanager
    async def _stalling(
        self, *, begun: bool = True, clock: Clock | None = None
    ) -> AsyncIterator[tuple[LanguageModel, ModelServer]]:
        answer = Answer(text="Good evening to you.", stall_after=self.server().opening + 1 if begun else 0)
        async with self._served(answer, clock=clock) as served:
            yield served

    @asynccontextmanager
    async def _breaking(self, *, drop: bool) -> AsyncIterator[tuple[LanguageModel, ModelServer]]:
        after = self.server().opening + 1
        error = {"message": f"overloaded {KEY}"}
        answer = Answer(
            text="Good evening to you.",
            error=error,
            drop_after=after if drop else None,
            error_after=None if drop else after,
        )
        async with self._served(answer) as served:
            yield served

    async def _alone(self, url: str, *, warm: bool = False) -> ProviderError:
        """What a reply fails with at an address that is none."""
        async with asyncio.timeout(PATIENCE_S), nothing_left():
            llm = self.provider(url, api_key=KEY, clock=SystemClock())
            if warm:
                await llm.warm()
            failed = await failure(llm)
            await llm.close()
            return failed


async def reply(
    llm: LanguageModel, messages: Sequence[Message] = HELLO, tools: Sequence[ToolSpec] = ()
) -> list[ReplyPart]:
    """All parts of a reply."""
    async with aclosing(llm.reply(messages, tools)) as parts:
        return [part async for part in parts]


def said(parts: Sequence[ReplyPart]) -> str:
    """The text of all of them."""
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


async def failure(llm: LanguageModel) -> ProviderError:
    """What a reply fails with."""
    with pytest.raises(ProviderError) as failed:
        await reply(llm)
    return failed.value


async def broken(llm: LanguageModel) -> tuple[ProviderError, list[ReplyPart]]:
    """What a reply fails with, and what came before."""
    parts: list[ReplyPart] = []
    with pytest.raises(ProviderError) as failed:
        await _read(llm, parts)
    return failed.value, parts


async def _read(llm: LanguageModel, parts: list[ReplyPart]) -> None:
    async with aclosing(llm.reply(HELLO, [])) as coming:
        async for part in coming:
            parts.append(part)  # noqa: PERF401 -- what came before a failure counts
