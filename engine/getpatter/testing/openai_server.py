"""A server that speaks OpenAI's streaming chat completions and says what it was told to say.

It stands in for a language model at the wire: requests are real HTTP, answers are real event streams, cut into the
pieces in which real servers send them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

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
    """One completion, or one failure.  Its first piece names the role, the next hold text and tool calls."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Used = USAGE
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

    headers: dict[str, str]
    body: dict[str, Any]
    connection: int
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client closed the connection before the answer was complete."""


class OpenAIServer:
    """Gives `answers` in order, the last one again and again.  `app` is an ASGI application; `running` serves it.

    `requests` holds what came.  With `key`, requests without it are refused as OpenAI does; `model` likewise.
    """

    def __init__(self, *answers: Answer, key: str = "", model: str = "") -> None:
        self._answers: Sequence[Answer] = answers or (Answer(text="Hello."),)
        self._key = key
        self._model = model
        self.requests: list[Received] = []
        self._arrival = asyncio.Condition()
        self.url = ""
        """The API's base URL while it is served."""
        self.warmed: list[int] = []
        """The connections on which the list of models was asked for, as `Received.connection` has them."""
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._complete, methods=["POST"]),
                Route("/v1/models", self._list_models, methods=["GET"]),
            ]
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Serve on a free loopback port."""
        async with served(self.app) as address:
            self.url = f"{address}/v1"
            yield self

    async def request(self, number: int = 0) -> Received:
        """The request of this number, waited for where it did not come yet."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) > number)
        return self.requests[number]

    async def _complete(self, request: Request) -> Response:
        connection = request.client.port if request.client else 0
        received = Received(dict(request.headers), await request.json(), connection)
        async with self._arrival:
            self.requests.append(received)
            self._arrival.notify_all()
        if self._key and received.headers.get("authorization") != f"Bearer {self._key}":
            return _refuse(401, "Incorrect API key provided.", "invalid_api_key")
        if self._model and received.body.get("model") != self._model:
            words = f"The model `{received.body.get('model')}` does not exist or you do not have access to it."
            return _refuse(404, words, "model_not_found")
        answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if answer.status != 200:
            return JSONResponse({"error": answer.error}, answer.status, answer.headers)
        return _Stream(answer, received)

    async def _list_models(self, request: Request) -> Response:
        self.warmed.append(request.client.port if request.client else 0)
        if self._key and request.headers.get("authorization") != f"Bearer {self._key}":
            return _refuse(401, "Incorrect API key provided.", "invalid_api_key")
        model = {"id": self._model or "m", "object": "model", "created": 1_700_000_000, "owned_by": "test"}
        return JSONResponse({"object": "list", "data": [model]})


def _refuse(status: int, message: str, code: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return JSONResponse({"error": error}, status)


class _Stream(Response):
    """An event stream that can stall and break."""

    def __init__(self, answer: Answer, received: Received) -> None:
        super().__init__(media_type="text/event-stream")
        del self.headers["content-length"]
        self._answer = answer
        self._received = received

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer
        if answer.stall_after == 0:
            await self._wait_until_left(receive)
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for count, chunk in enumerate(_chunks(answer, self._received.body)):
            if count == answer.stall_after:
                await self._wait_until_left(receive)
                return
            if count == answer.drop_after:
                # Without a last `more_body=False` the server closes the connection in the middle of the body.
                return
            if count == answer.error_after:
                await _send_event(send, json.dumps({"error": answer.error}))
                break
            await _send_event(send, json.dumps(chunk))
        else:
            await _send_event(send, "[DONE]")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait_until_left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._received.left.set()


async def _send_event(send: Send, data: str) -> None:
    await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})


def _chunks(answer: Answer, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The completion as OpenAI cuts it: the role, text, tool calls with their arguments, the reason, usage."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "" if answer.text else None}]
    deltas += [{"content": piece} for piece in _pieces(answer.text)]
    for index, call in enumerate(answer.tool_calls):
        function = {"name": call.name, "arguments": ""}
        deltas.append({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]})
        for piece in _pieces(call.arguments):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    reason = "tool_calls" if answer.tool_calls else "stop"
    ends: list[tuple[dict[str, Any], str | None]] = [*((delta, None) for delta in deltas), ({}, reason)]
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": end} for delta, end in ends]
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": body["model"]}
    chunks: list[dict[str, Any]] = [common | {"choices": [choice]} for choice in choices]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append(common | {"choices": [], "usage": _usage(answer.usage)})
    return chunks


def _usage(usage: Used) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def _pieces(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
