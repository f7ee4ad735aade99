"""A language model's server that says what it was told to say, over HTTP event streams as the vendor's own.

It stands in for a model at the wire: requests are real HTTP, answers are real event streams, cut into the pieces in
which real servers send them.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from getpatter.llm.base import ToolCall
from getpatter.metering import UNKNOWN, Used
from getpatter.testing.http import served

PIECE = 7
"""Characters of one delta."""
USAGE = Used(UNKNOWN, input_tokens=11, output_tokens=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One reply, or one failure."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Used | None = USAGE
    """None for a server that tells nothing of it."""
    served_as: str = ""
    """The model's name in the answer, where it is another than was asked for."""
    thoughts: str = ""
    """What the model thinks before it speaks, at vendors that show it."""
    stop: str = ""
    """Why the model ended, in the vendor's words, where it is neither of the common reasons."""
    status: int = 200
    """Any other makes the answer an error with `error` in its body and `headers`."""
    error: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    stall_after: int | None = None
    """Say nothing more after this many pieces (0: not even the first), until the client leaves."""
    drop_after: int | None = None
    """Drop the connection after this many pieces."""
    error_after: int | None = None
    """Send `error` in the stream after this many pieces, and end it."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came; `connection` is the same for requests on one connection."""

    path: str
    headers: Mapping[str, str]
    """Lower-case names."""
    body: dict[str, Any]
    connection: int
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client closed the connection before the answer was complete."""


class ModelServer(ABC):
    """Gives `answers` in order, the last one again and again.  `app` is an ASGI application; `running` serves it.

    `requests` holds what came.  With `key`, requests without it are refused as the vendor does; `model` likewise.
    """

    base: ClassVar[str] = ""
    """What of the path belongs to the API's base URL."""
    models_path: ClassVar[str]
    opening: ClassVar[int]
    """How many pieces of an answer come before its first words."""

    def __init__(self, *answers: Answer, key: str = "", model: str = "") -> None:
        self._answers: Sequence[Answer] = answers or (Answer(text="Hello."),)
        self.key = key
        self.model = model
        self.requests: list[Received] = []
        self._arrival = asyncio.Condition()
        self.url = ""
        """The API's base URL while it is served."""
        self.warmed: list[int] = []
        """The connections on which the list of models was asked for, as `Received.connection` has them."""
        self.app = Starlette(
            routes=[
                Route(self.base + self.models_path, self._list_models, methods=["GET"]),
                Route("/{path:path}", self._answer, methods=["POST"]),
            ]
        )

    # -- what a vendor's stand-in says

    @abstractmethod
    def key_in(self, headers: Mapping[str, str]) -> str:
        """The key of a request."""

    @abstractmethod
    def model_in(self, path: str, body: Mapping[str, Any]) -> str | None:
        """The model that a request asks for; None where there is nothing at this path."""

    @abstractmethod
    def pieces(self, answer: Answer, model: str, body: Mapping[str, Any]) -> list[bytes]:
        """The events of an answer, the first words after `opening` of them."""

    @abstractmethod
    def error_event(self, error: Mapping[str, Any]) -> bytes:
        """An error inside the stream."""

    @abstractmethod
    def error_body(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]: ...

    @abstractmethod
    def wrong_key(self) -> Response: ...

    @abstractmethod
    def unknown_model(self, model: str) -> Response: ...

    @abstractmethod
    def models(self) -> dict[str, Any]:
        """The list of models."""

    def fault(self, headers: Mapping[str, str], body: Mapping[str, Any]) -> str:
        """What the vendor finds wrong with a request, in its words."""
        return ""

    def refusal(self, status: int, **error: Any) -> Response:
        return JSONResponse(self.error_body(status, error), status)

    # -- what a test asks

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Serve on a free loopback port."""
        async with served(self.app) as address:
            self.url = address + self.base
            yield self

    async def request(self, number: int = 0) -> Received:
        """The request of this number, waited for where it did not come yet."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) > number)
        return self.requests[number]

    # -- serving

    async def _answer(self, request: Request) -> Response:
        connection = request.client.port if request.client else 0
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(request.url.path, headers, await request.json(), connection)
        async with self._arrival:
            self.requests.append(received)
            self._arrival.notify_all()
        if self.key and self.key_in(headers) != self.key:
            return self.wrong_key()
        model = self.model_in(received.path.removeprefix(self.base), received.body)
        if model is None:
            return Response("404 page not found", 404)
        if self.model and model != self.model:
            return self.unknown_model(model)
        if fault := self.fault(headers, received.body):
            return self.refusal(400, message=fault)
        answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if answer.status != 200:
            return JSONResponse(self.error_body(answer.status, answer.error), answer.status, answer.headers)
        return _Stream(answer, self.pieces(answer, model, received.body), self.error_event(answer.error), received)

    async def _list_models(self, request: Request) -> Response:
        self.warmed.append(request.client.port if request.client else 0)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if self.key and self.key_in(headers) != self.key:
            return self.wrong_key()
        return JSONResponse(self.models())


class _Stream(Response):
    """An event stream that can stall and break."""

    def __init__(self, answer: Answer, pieces: Sequence[bytes], error: bytes, received: Received) -> None:
        super().__init__(media_type="text/event-stream")
        del self.headers["content-length"]
        self._answer = answer
        self._pieces = pieces
        self._error = error
        self._received = received

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer
        if answer.stall_after == 0:
            await self._wait_until_left(receive)
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for count, piece in enumerate(self._pieces):
            if count == answer.stall_after:
                await self._wait_until_left(receive)
                return
            if count == answer.drop_after:
                # Without a last `more_body=False` the server closes the connection in the middle of the body.
                return
            if count == answer.error_after:
                await _send(send, self._error)
                break
            await _send(send, piece)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait_until_left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._received.left.set()


async def _send(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


def cut(text: str) -> list[str]:
    """A text as it comes, a few characters at a time."""
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
