"""What becomes of sessions of speech-to-speech engines that fail."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest

from getpatter.clock import SystemClock
from getpatter.engines.base import ResponseDone
from getpatter.errors import ProviderError
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.engine_stand import EngineStand
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.contracts.responses import ask, spoken, until
from getpatter.testing.contracts.stt import KEY, PATIENCE_S
from getpatter.testing.realtime_session import Spoken

LATE_S = 30.0
"""An engine that is not ready by then never will be."""


class RealtimeFailures(EngineStand):
    """Refused, never begun, or broken off."""

    @pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY])
    async def test_a_refusal_says_what_to_do(self, status: HTTPStatus) -> None:
        server = self.server(key=KEY)
        server.refuses = status
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            error = await self._failure(self.engine(server.url, api_key=KEY, clock=SystemClock()))
        assert error.retryable is (status is not HTTPStatus.UNAUTHORIZED)
        assert KEY not in error.message
        assert error.next_step is not None
        if status is HTTPStatus.UNAUTHORIZED:
            assert self.key_variable in error.next_step

    async def test_a_wrong_key_is_refused(self) -> None:
        server = self.server(key=KEY)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            error = await self._failure(self.engine(server.url, api_key="sk-wrong", clock=SystemClock()))
        assert not error.retryable
        assert "sk-wrong" not in error.message

    async def test_an_engine_that_is_not_there_is_worth_another_try(self) -> None:
        async with self.server().running() as server:
            gone = server.url
        error = await self._failure(self.engine(gone, api_key=KEY, clock=SystemClock()))
        assert error.retryable

    async def test_a_server_that_never_begins_is_not_waited_for(self) -> None:
        clock, server = SkippingClock(), self.server()
        server.begins = asyncio.Event()
        async with server.running(), asyncio.timeout(PATIENCE_S):
            opening = asyncio.create_task(self._failure(self.engine(server.url, api_key=KEY, clock=clock)))
            try:
                while not opening.done():
                    clock.skip(LATE_S)
                    await asyncio.wait([opening], timeout=0.05)  # whichever wait it has come to
                assert (await opening).retryable
            finally:
                server.begins.set()

    async def test_a_connection_that_breaks_in_an_answer_is_told(self) -> None:
        async with self._call(Spoken("one two three", drop_after=2)) as (engine, session, _):
            await ask(engine, session)
            with pytest.raises(ProviderError) as lost:
                await spoken(session)
            assert lost.value.retryable
            session.respond()  # nobody hears it, and nothing happens

    async def test_a_connection_that_breaks_between_answers_is_told(self) -> None:
        async with self._call() as (engine, session, server):
            await ask(engine, session)
            await spoken(session)
            server.cut()
            with pytest.raises(ProviderError) as lost:
                await until(session, ResponseDone)
            assert lost.value.retryable
