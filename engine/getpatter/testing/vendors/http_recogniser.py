"""A recogniser of a vendor's that is asked by HTTP, an utterance a request: it understands what it was told to."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from getpatter.testing.http import Serving, serving


@dataclass(eq=False)
class Utterance:
    """One request that was taken: its sound as pcm16, and what else was asked for."""

    pcm16: bytes
    rate: int
    fields: Mapping[str, list[str]]
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """It is answered once this is set."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """The client went before its answer."""

    @property
    def seconds(self) -> float:
        return len(self.pcm16) / 2 / self.rate


class HttpRecogniserServer(ABC):
    """Understands `texts`, one a request; then nothing.  A subclass speaks one vendor's protocol."""

    paths: tuple[str, ...]
    """Where sound is posted, as Starlette's routes."""

    def __init__(self, *texts: str, key: str = "") -> None:
        """With `key`, `admit` refuses requests without it."""
        self.key = key
        self._texts = deque(texts)
        self.utterances: list[Utterance] = []
        self.refuses: HTTPStatus | None = None
        """Set it, and every request is refused."""
        self.refused = 0
        """How many were."""
        self.holds = False
        """Set it, and requests wait for their `Utterance.answers`."""
        self.tears = 0
        """So many of the next requests find their connection broken."""
        self.garbles = False
        """Set it, and answers are cut in the middle."""
        self.url = ""
        """While it is served: `http://127.0.0.1:<port>`."""
        self._serving: Serving | None = None
        self._changed = asyncio.Condition()

    # -- what a vendor's stand-in says

    @abstractmethod
    def admit(self, request: Request) -> Response | None:
        """A refusal, e.g. of the key; None lets the request pass."""

    @abstractmethod
    async def read(self, request: Request) -> Utterance | Response:
        """What came, or a refusal of what cannot be."""

    @abstractmethod
    def refusal(self, status: HTTPStatus) -> Response:
        """How the vendor words a refusal of this status."""

    @abstractmethod
    def answer(self, text: str, utterance: Utterance) -> bytes:
        """The JSON of an answer."""

    # -- what a test asks

    @property
    def audio(self) -> bytes:
        """All the sound that came, as pcm16."""
        return b"".join(utterance.pcm16 for utterance in self.utterances)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Serve on a free loopback port."""
        app = Starlette(routes=[Route(path, self._hear, methods=["POST"]) for path in self.paths])
        async with serving(app) as self._serving:
            self.url = self._serving.url
            yield self

    async def utterance(self, count: int = 1) -> Utterance:
        """The request of this number, waited for where it did not come yet."""
        await self.until(lambda: len(self.utterances) >= count)
        return self.utterances[count - 1]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at whenever anything came."""
        async with self._changed:
            await self._changed.wait_for(true)

    # -- serving

    async def _hear(self, request: Request) -> Response:
        if self.refuses is not None:
            answer = self.refusal(self.refuses)
            self.refused += 1
            await self._note()
            return answer
        if (refused := self.admit(request)) is not None:
            return refused
        utterance = await self.read(request)
        if isinstance(utterance, Response):
            return utterance
        if self.tears:
            self.tears -= 1
            assert self._serving is not None
            self._serving.drop()
            return Response()
        self.utterances.append(utterance)
        text = self._texts.popleft() if self._texts else ""
        await self._note()
        if self.holds:
            await self._hold(request, utterance)
        body = self.answer(text, utterance)
        return Response(body[: len(body) // 2] if self.garbles else body, media_type="application/json")

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _hold(self, request: Request, utterance: Utterance) -> None:
        left = asyncio.create_task(_left(request))
        answers = asyncio.create_task(utterance.answers.wait())
        await asyncio.wait((left, answers), return_when=asyncio.FIRST_COMPLETED)
        if left.done():
            utterance.left.set()
        for task in (left, answers):
            task.cancel()
        await asyncio.gather(left, answers, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
