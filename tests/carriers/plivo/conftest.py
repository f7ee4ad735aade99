"""A server in the place of Plivo's API that keeps what it is asked and gives the answers it was told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from getpatter.carriers.plivo.account import Plivo
from getpatter.carriers.plivo.carrier import PlivoCarrier
from getpatter.clock import Clock
from getpatter.testing.http import served

AUTH_ID = "MA" + "X" * 18
TOKEN = "the-auth-token"

Answers: TypeAlias = dict[str, tuple[int, Any]]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    """Below the account, `Call/`, as it was sent."""
    query: dict[str, str]
    body: dict[str, Any]
    authorization: str

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class ApiServer:
    """`answers` are by method and path, `GET Call/7/`, with its query where it has one; all else succeeds."""

    answers: Answers = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode().removeprefix(f"/v1/Account/{AUTH_ID}/")
        body = await request.body()
        query = dict(parse_qsl(request.url.query))
        authorization = request.headers.get("authorization", "")
        self.asked.append(Asked(request.method, path, query, json.loads(body) if body else {}, authorization))
        line = f"{request.method} {path}" + (f"?{request.url.query}" if query else "")
        default = (204, None) if request.method == "DELETE" else (202, {"api_id": "a", "request_uuid": "request-1"})
        status, said = self.answers.get(line, default)
        return Response(said, status) if said is None or isinstance(said, bytes) else JSONResponse(said, status)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST", "DELETE"])])

    @property
    def lines(self) -> list[str]:
        return [asked.line for asked in self.asked]


@dataclass(frozen=True)
class Desk:
    """A carrier whose API is ours.  `url` is the API's server."""

    carrier: PlivoCarrier
    api: ApiServer
    url: str


OpenDesk: TypeAlias = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def desk() -> OpenDesk:
    """Opens a desk; its API gives the answers that are passed."""

    @asynccontextmanager
    async def opened(answers: Answers | None = None, clock: Clock | None = None) -> AsyncIterator[Desk]:
        api = ApiServer(answers or {})
        async with served(api.app) as url:
            carrier = PlivoCarrier(Plivo(AUTH_ID, TOKEN, f"{url}/v1"), clock=clock, jitter=lambda: 0.0)
            try:
                yield Desk(carrier, api, url)
            finally:
                await carrier.close()

    return opened
