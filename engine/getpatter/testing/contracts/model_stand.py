"""A language model's adapter and the server that stands in for its vendor, as a test of both names them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from getpatter.clock import Clock, SystemClock
from getpatter.errors import ProviderError
from getpatter.llm.base import LanguageModel
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.contracts.replies import failure
from getpatter.testing.contracts.stt import KEY, PATIENCE_S
from getpatter.testing.vendors.model_server import Answer, ModelServer

MODEL = "contract-model"
STALLED_S = 31.0
"""A model that gave nothing for so long gives nothing any more."""


class ModelStand(ABC):
    """What a subclass says, and how its server behaves in the tests."""

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
