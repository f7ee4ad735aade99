"""How adapters of language models deal with connections, and with readers who leave."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from getpatter.llm.base import TextDelta
from getpatter.testing.contracts.model_stand import ModelStand
from getpatter.testing.contracts.replies import HELLO, reply, said
from getpatter.testing.vendors.model_server import Answer


class LlmConnections(ModelStand):
    """Shared, opened ahead, and let go of."""

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
