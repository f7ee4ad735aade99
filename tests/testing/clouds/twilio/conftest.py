"""Twilio's own library at the stand-in for Twilio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from getpatter.testing.answer_document import connect
from getpatter.testing.clouds import TwilioCloud
from getpatter.testing.parties import Directory
from tests.testing.clouds.conftest import (
    OURS,
    WAITING,
    MediaEngine,
)

TOKEN = "f" * 32


@pytest.fixture
async def cloud(directory: Directory) -> AsyncIterator[TwilioCloud]:
    async with TwilioCloud(directory, auth_token=TOKEN) as cloud:
        cloud.own(OURS)
        yield cloud


class LocalHttp(TwilioHttpClient):  # type: ignore[misc]  # the library has no types
    """Twilio's own client, sent elsewhere."""

    def __init__(self, base: str) -> None:
        super().__init__(pool_connections=False, timeout=20)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **named: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", self._base), *args, **named)


class Official:
    """Twilio's REST client, in a thread since it waits."""

    def __init__(self, cloud: TwilioCloud) -> None:
        self.client = Client(cloud.account_sid, TOKEN, http_client=LocalHttp(cloud.url))

    async def __call__(self, ask: Callable[[Client], Any]) -> Any:
        return await asyncio.to_thread(ask, self.client)


@pytest.fixture
def official(cloud: TwilioCloud) -> Official:
    return Official(cloud)


async def dial(official: Official, engine: MediaEngine, to: str, **changes: Any) -> str:
    named: dict[str, Any] = {
        "to": to,
        "from_": OURS,
        "twiml": connect(engine.stream_url, {"token": "t & t"}).decode(),
        "status_callback": f"{engine.base}/status",
        "status_callback_event": ["initiated", "ringing", "answered", "completed"],
        **changes,
    }
    call = await official(lambda client: client.calls.create(**named))
    assert call.status == "queued"
    return str(call.sid)


def update(document: bytes) -> dict[str, str]:
    return {"twiml": document.decode()}


async def live(cloud: TwilioCloud, official: Official, engine: MediaEngine, to: str = WAITING) -> str:
    """A call that is being talked in."""
    sid = await dial(official, engine, to)
    await engine.until(lambda: "in-progress" in engine.statuses())
    async with asyncio.timeout(60):
        await cloud.call(sid).streaming.wait()
    return sid
