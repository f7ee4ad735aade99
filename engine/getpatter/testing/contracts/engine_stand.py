"""A speech-to-speech engine's adapter and the server that stands in for its vendor, as a test of both names them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any, ClassVar, Protocol

import pytest

from getpatter.clock import Clock, SystemClock
from getpatter.engines.base import EngineConfig, EngineSession, RealtimeEngine
from getpatter.errors import ProviderError
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.contracts.responses import CONFIG, ask, spoken
from getpatter.testing.contracts.stt import KEY, PATIENCE_S
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.seen import Seen


class EngineServer(Protocol):
    """What stands in for the vendor: says its answers in order, and understands what it was told to."""

    refuses: HTTPStatus | None
    begins: asyncio.Event | None

    @property
    def url(self) -> str: ...

    def running(self) -> AbstractAsyncContextManager[Any]: ...

    def seen(self, number: int = 0) -> Seen:
        """What came over the connection of this number."""

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at whenever anything came."""

    async def quiet(self) -> None:
        """Wait until all connections are closed."""

    def cut(self) -> None:
        """Drop all connections."""


class EngineStand(ABC):
    """What a subclass says, and how its server behaves in the tests."""

    key_variable: ClassVar[str]
    """Where the vendor's key is looked for."""
    counts_tokens: ClassVar[bool] = True
    """The vendor is paid for tokens."""
    tells_usage: ClassVar[bool] = True
    """Each response comes with its tokens."""

    @abstractmethod
    def server(self, *answers: Spoken, heard: tuple[str, ...] = (), key: str = "", pace: float = 0.0) -> EngineServer:
        """What stands in for the vendor; sound comes `pace` times as fast as it is heard, at once where that is 0."""

    @abstractmethod
    def engine(self, url: str, *, api_key: str, clock: Clock) -> RealtimeEngine:
        """The adapter, led to the server; with an empty `api_key` it looks for its variable."""

    @asynccontextmanager
    async def _call(
        self,
        *answers: Spoken,
        heard: tuple[str, ...] = (),
        pace: float = 0.0,
        api_key: str = KEY,
        config: EngineConfig = CONFIG,
    ) -> AsyncIterator[tuple[RealtimeEngine, EngineSession, Any]]:
        """One call's session; afterwards nothing of it is left, here and at the vendor."""
        server = self.server(*answers, heard=heard, key=KEY, pace=pace)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            engine = self.engine(server.url, api_key=api_key, clock=SystemClock())
            session = await engine.open(config)
            try:
                yield engine, session, server
            finally:
                await session.close()
                await session.close()
                await engine.close()
                await server.quiet()

    async def _failure(self, engine: RealtimeEngine) -> ProviderError:
        """Of opening, or of the first answer: what is paid for by the minute begins no sooner."""
        try:
            with pytest.raises(ProviderError) as failure:
                await self._open_and_ask(engine)
        finally:
            await engine.close()
        return failure.value

    async def _open_and_ask(self, engine: RealtimeEngine) -> None:
        session = await engine.open(CONFIG)
        try:
            await ask(engine, session)
            await spoken(session)
        finally:
            await session.close()
