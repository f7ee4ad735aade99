"""What adapters of language models make of failures."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from getpatter.errors import PartialReply, ProviderError
from getpatter.llm.fallback import FallbackLLM
from getpatter.llm.scripted import ScriptedLLM
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.model_stand import ModelStand
from getpatter.testing.contracts.replies import HELLO, broken, failure, reply, said
from getpatter.testing.contracts.stt import KEY, PATIENCE_S
from getpatter.testing.vendors.model_server import Answer


class LlmFailures(ModelStand):
    """Refusals, silence, broken answers."""

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
