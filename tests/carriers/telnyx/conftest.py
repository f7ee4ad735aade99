"""A server in the place of Telnyx's API that keeps what it is asked and gives the answers it was told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from getpatter.carriers.telnyx.account import Telnyx
from getpatter.carriers.telnyx.api import TelnyxApi
from getpatter.carriers.telnyx.carrier import TelnyxCarrier
from getpatter.testing.clock import ManualClock
from getpatter.testing.http import served
from getpatter.testing.telnyx_webhooks import TelnyxSigner

CALL = "v3:caller/with+odd=letters"
COLLEAGUE = "v3:colleague"
CONNECTION = "1494404757140276705"
API_KEY = "KEY0123secret"
NUMBER = "+12025550199"
WEBHOOKS = "https://agent.example/webhooks/telnyx"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    """As it came, escapes and all, with the query."""
    body: dict[str, Any]
    authorization: str

    @property
    def fields(self) -> dict[str, Any]:
        """The body without what is new in each command."""
        return {name: value for name, value in self.body.items() if name != "command_id"}


@dataclass
class ApiServer:
    """What is in `answers` is given first, in turn; then each request gets what Telnyx says when all is well."""

    url: str = ""
    answers: list[Response] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    application: dict[str, Any] = field(
        default_factory=lambda: {
            "id": CONNECTION,
            "application_name": "patter",
            "webhook_event_url": f"{WEBHOOKS}/voice",
            "webhook_api_version": "2",
            "call_cost_in_webhooks": True,
            "active": True,
            "outbound": {"outbound_voice_profile_id": "1293384261075731499"},
        }
    )
    number: dict[str, Any] = field(
        default_factory=lambda: {"id": "77", "phone_number": NUMBER, "connection_id": CONNECTION}
    )

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST", "PATCH"])])

    def refuse(self, status: int, code: str, title: str = "", detail: str = "", *, times: int = 1) -> None:
        """Have the next requests refused."""
        body = {"errors": [{"code": code, "title": title, "detail": detail}]}
        self.answers += [JSONResponse(body, status) for _ in range(times)]

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        query = f"?{request.url.query}" if request.url.query else ""
        path = request.scope["raw_path"].decode().removeprefix("/v2") + query
        self.asked.append(
            Asked(request.method, path, json.loads(body or b"{}"), request.headers.get("authorization", ""))
        )
        return self.answers.pop(0) if self.answers else JSONResponse({"data": self._data(request.method, path)})

    def _data(self, method: str, path: str) -> Any:
        if path.startswith("/call_control_applications/"):
            return self.application
        if path.startswith("/phone_numbers?"):
            return [self.number]
        if path == "/calls":
            return {"call_control_id": COLLEAGUE, "call_leg_id": "leg", "is_alive": False, "record_type": "call"}
        if method == "GET" and path.startswith("/calls/"):
            return {"call_control_id": CALL, "is_alive": True, "call_duration": 12}
        return {"result": "ok"}

    @property
    def actions(self) -> list[str]:
        """The last part of each path that was asked for."""
        return [asked.path.rpartition("/")[2] for asked in self.asked]


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    fake = ApiServer()
    async with served(fake.app()) as base:
        fake.url = f"{base}/v2"
        yield fake


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def api(server: ApiServer) -> AsyncIterator[TelnyxApi]:
    made = TelnyxApi(server.url, API_KEY, jitter=lambda: 0.0)
    yield made
    await made.close()


@pytest.fixture
async def carrier(server: ApiServer, api: TelnyxApi, clock: ManualClock) -> AsyncIterator[TelnyxCarrier]:
    account = Telnyx(
        api_key=API_KEY, connection_id=CONNECTION, public_key=TelnyxSigner().public_key, api_url=server.url
    )
    made = TelnyxCarrier(account, clock=clock, api=api)
    yield made
    await made.close()
