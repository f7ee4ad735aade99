"""A server in the place of Twilio's API that keeps what it is asked and gives the answers it was told."""

from __future__ import annotations

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

from getpatter.carriers.twilio.account import Twilio
from getpatter.carriers.twilio.carrier import TwilioCarrier
from getpatter.testing.http import served

ACCOUNT_SID = "AC" + "a" * 32
TOKEN = "the-auth-token"
CALL = {"sid": "CA" + "c" * 32, "status": "in-progress"}
NUMBERS = {"page": 0, "incoming_phone_numbers": [{"sid": "PN" + "b" * 32, "phone_number": "+12025550199"}]}


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    """Below the account, `/Calls.json`; the whole path for other servers' files."""
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    authorization: str

    @property
    def fields(self) -> dict[str, str]:
        return dict(self.form)


@dataclass
class ApiServer:
    """Answers are given in turn, the last one over and over; without any, there is whatever is asked for."""

    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.asked.append(
            Asked(
                request.method,
                request.url.path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT_SID}"),
                parse_qsl(request.url.query),
                parse_qsl((await request.body()).decode()),
                request.headers.get("authorization", ""),
            )
        )
        answers = self.answers or [(200, NUMBERS if self.asked[-1].path.startswith("/Incoming") else CALL)]
        status, body = answers[min(len(self.asked), len(answers)) - 1]
        return Response(body, status) if isinstance(body, bytes) else JSONResponse(body, status)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])


@dataclass(frozen=True)
class Desk:
    """A carrier whose API is ours."""

    carrier: TwilioCarrier
    api: ApiServer
    url: str


OpenDesk: TypeAlias = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def desk() -> OpenDesk:
    """Opens a desk; its API gives the answers that are passed, each a status and JSON, or bytes."""

    @asynccontextmanager
    async def opened(*answers: tuple[int, Any]) -> AsyncIterator[Desk]:
        api = ApiServer(list(answers))
        async with served(api.app) as url:
            carrier = TwilioCarrier(Twilio(ACCOUNT_SID, TOKEN, url), jitter=lambda: 0.0)
            try:
                yield Desk(carrier, api, url)
            finally:
                await carrier.close()

    return opened


@pytest.fixture
def refusal() -> Callable[[int, str], tuple[int, Any]]:
    """An answer of Twilio's that refuses, by HTTP status and error code."""

    def refused(status: int, code: str) -> tuple[int, Any]:
        return status, {"code": int(code), "message": "No: +1 202 555 0199", "status": status}

    return refused
