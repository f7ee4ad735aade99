"""Plivo's own library at the stand-in for Plivo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import plivo
import pytest
from plivo import plivoxml

from getpatter.testing.clouds import PlivoCloud
from getpatter.testing.parties import Directory
from tests.testing.clouds.conftest import (
    OURS,
    WAITING,
    MediaEngine,
)

AUTH_ID = "MA" + "X" * 18
TOKEN = "f" * 40


@pytest.fixture
async def cloud(directory: Directory) -> AsyncIterator[PlivoCloud]:
    async with PlivoCloud(directory, auth_token=TOKEN) as cloud:
        cloud.own(OURS)
        yield cloud


class LocalClient(plivo.RestClient):  # type: ignore[misc]  # the library has no types
    """Plivo's own client, sent elsewhere."""

    def __init__(self, base: str, token: str) -> None:
        super().__init__(AUTH_ID, token, timeout=20)
        self._base = base

    def send_request(self, request: Any, **named: Any) -> Any:
        request.url = request.url.replace("https://api.plivo.com/v1", self._base)
        return super().send_request(request, **named)


class Official:
    """Plivo's REST client, in a thread since it waits."""

    def __init__(self, base: str, token: str = TOKEN) -> None:
        self._client = LocalClient(base, token)

    async def __call__(self, ask: Callable[[Any], Any]) -> Any:
        return await asyncio.to_thread(ask, self._client)

    def close(self) -> None:
        self._client.session.close()


@pytest.fixture
async def official(cloud: PlivoCloud) -> AsyncIterator[Official]:
    official = Official(cloud.url)
    yield official
    official.close()


def document(*elements: Any) -> bytes:
    response = plivoxml.ResponseElement()
    for element in elements:
        response.add(element)
    text: str = response.to_string()
    return text.encode()


def stream(engine: MediaEngine, **changes: Any) -> bytes:
    named: dict[str, Any] = {
        "bidirectional": True,
        "keepCallAlive": True,
        "contentType": "audio/x-mulaw;rate=8000",
        "extraHeaders": "token=t1,more=2",
        **changes,
    }
    return document(plivoxml.StreamElement(engine.stream_url, **named))


async def dial(official: Official, engine: MediaEngine, to: str, **changes: Any) -> str:
    """The name of the request."""
    engine.answers.setdefault("answer", stream(engine))
    named: dict[str, Any] = {
        "from_": OURS,
        "to_": to,
        "answer_url": f"{engine.base}/answer",
        "ring_url": f"{engine.base}/ring",
        "hangup_url": f"{engine.base}/status",
        **changes,
    }
    call = await official(lambda client: client.calls.create(**named))
    assert call.message == "call fired"
    return str(call.request_uuid)


async def live(cloud: PlivoCloud, official: Official, engine: MediaEngine, to: str = WAITING) -> str:
    """The name of a call that is being talked in."""
    call = cloud.call(await dial(official, engine, to))
    async with asyncio.timeout(60):
        await call.streaming.wait()
    return call.legs.call_id
