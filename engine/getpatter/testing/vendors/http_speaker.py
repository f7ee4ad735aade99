"""A voice of a vendor's that is asked by HTTP, a request a text."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from getpatter.audio.format import AudioFormat
from getpatter.testing.http import Serving, serving
from getpatter.testing.vendors.speaker import Orders, pieces, sound


@dataclass(frozen=True, slots=True)
class Order:
    """What one request asks for."""

    text: str
    format: AudioFormat


class HttpSpeakerServer(ABC):
    """Speaks whatever it is given, and obeys `orders`.  A subclass speaks one vendor's protocol."""

    paths: tuple[str, ...]
    """Where texts are posted, as Starlette's routes."""
    media_type: str
    """Of the answer."""

    def __init__(self, *, key: str = "") -> None:
        """With `key`, `admit` refuses requests without it."""
        self.key = key
        self.orders = Orders()
        self.requests: list[Request] = []
        self.refuses: HTTPStatus | None = None
        """Set it, and every request is refused."""
        self.url = ""
        """While it is served: `http://127.0.0.1:<port>`."""
        self._serving: Serving | None = None
        self._answering = 0
        self._changed = asyncio.Condition()

    # -- what a vendor's stand-in says

    @abstractmethod
    def admit(self, request: Request) -> Response | None:
        """A refusal, e.g. of the key; None lets the request pass."""

    @abstractmethod
    async def read(self, request: Request) -> Order | Response:
        """What is asked for, or a refusal of what cannot be."""

    @abstractmethod
    def refusal(self, status: HTTPStatus) -> Response:
        """How the vendor words a refusal of this status."""

    def media_type_of(self, order: Order) -> str:
        """The answer's, where that depends on what is asked for."""
        return self.media_type

    def encode(self, piece: bytes, number: int, order: Order) -> bytes:
        """A piece of sound in the answer's body."""
        return piece

    def end(self, order: Order) -> bytes:
        """What follows the last piece."""
        return b""

    def complaint(self) -> bytes | None:
        """A failure in the middle of an answer; None where the vendor has no words for it and breaks the connection."""
        return None

    # -- what a test asks

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Serve on a free loopback port."""
        app = Starlette(routes=[Route(path, self._speak, methods=["POST"]) for path in self.paths])
        async with serving(app) as self._serving:
            self.url = self._serving.url
            yield self

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at whenever anything came."""
        async with self._changed:
            await self._changed.wait_for(true)

    async def quiet(self) -> None:
        """Wait until no request is being answered."""
        await self.until(lambda: self._answering == 0)

    # -- serving

    async def _speak(self, request: Request) -> Response:
        if self.refuses is not None:
            return self.refusal(self.refuses)
        if (refused := self.admit(request)) is not None:
            return refused
        order = await self.read(request)
        if isinstance(order, Response):
            return order
        if self.orders.tears:
            self.orders.tears -= 1
            assert self._serving is not None
            self._serving.drop()
            return Response()
        self.requests.append(request)
        self.orders.spoken.append(order.text)
        await self._note()
        return _Speech(self, order)

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def answer(self, order: Order, send: Send, receive: Receive) -> None:
        """The body, after the head; it ends when the client leaves."""
        self._answering += 1
        left = asyncio.create_task(_left(receive))
        body = asyncio.create_task(self._body(order, send))
        try:
            await asyncio.wait((left, body), return_when=asyncio.FIRST_COMPLETED)
            if not body.done():
                self.orders.cancelled.append(order.text)
        finally:
            left.cancel()
            body.cancel()
            await asyncio.gather(left, body, return_exceptions=True)
            self._answering -= 1
            await self._note()

    async def _body(self, order: Order, send: Send) -> None:
        orders = self.orders
        for number, piece in enumerate(pieces(sound(order.text, order.format), order.format)):
            if number == orders.stall_after:
                await asyncio.Event().wait()
            if number == orders.drop_after:
                return  # without a last `more_body=False` the connection is closed in the middle of the body
            if number == orders.complain_after:
                complaint = self.complaint()
                if complaint is not None:
                    await send({"type": "http.response.body", "body": complaint, "more_body": False})
                return
            await send({"type": "http.response.body", "body": self.encode(piece, number, order), "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": self.end(order), "more_body": False})


class _Speech(Response):
    def __init__(self, server: HttpSpeakerServer, order: Order) -> None:
        super().__init__(media_type=server.media_type_of(order))
        del self.headers["content-length"]
        self._server = server
        self._order = order

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._server.answer(self._order, send, receive)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
