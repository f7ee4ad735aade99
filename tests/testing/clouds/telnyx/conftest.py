"""Telnyx's own library at the stand-in for Telnyx."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import telnyx

from getpatter.testing.clouds import TelnyxCloud
from getpatter.testing.line_call import LineCall
from getpatter.testing.parties import Directory
from tests.testing.clouds.conftest import (
    OURS,
    WAITING,
    MediaEngine,
)

STATE = base64.b64encode(b'{"token":"t"}').decode()


@pytest.fixture
async def cloud(directory: Directory, engine: MediaEngine) -> AsyncIterator[TelnyxCloud]:
    async with TelnyxCloud(directory) as cloud:
        cloud.own(OURS, f"{engine.base}/events")
        yield cloud


class Official:
    """Telnyx's client, in a thread since it waits."""

    def __init__(self, cloud: TelnyxCloud) -> None:
        local = httpx.Client(trust_env=False)
        self.client = telnyx.Telnyx(
            api_key="KEY0", base_url=cloud.url, public_key=cloud.public_key, max_retries=0, http_client=local
        )

    async def __call__(self, ask: Callable[[telnyx.Telnyx], Any]) -> Any:
        return await asyncio.to_thread(ask, self.client)


@pytest.fixture
async def official(cloud: TelnyxCloud) -> AsyncIterator[Official]:
    official = Official(cloud)
    yield official
    official.client.close()


def stream(engine: MediaEngine) -> dict[str, Any]:
    return {
        "stream_url": engine.stream_url,
        "stream_track": "inbound_track",
        "stream_codec": "PCMU",
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": "PCMU",
        "client_state": STATE,
    }


async def dial(cloud: TelnyxCloud, official: Official, engine: MediaEngine, to: str, **more: Any) -> LineCall:
    fields = stream(engine) | more
    connection = cloud.application.connection_id
    dialed = await official(lambda client: client.calls.dial(connection_id=connection, to=to, from_=OURS, **fields))
    return cloud.call(dialed.data.call_control_id)


async def live(cloud: TelnyxCloud, official: Official, engine: MediaEngine, to: str = WAITING) -> LineCall:
    """A call that is being talked in."""
    call = await dial(cloud, official, engine, to)
    async with asyncio.timeout(60):
        await call.streaming.wait()
    return call


def events(engine: MediaEngine, call: LineCall | None = None) -> list[tuple[str, dict[str, Any]]]:
    """What was told, of one call or of all."""
    told = [json.loads(webhook.body)["data"] for webhook in engine.webhooks]
    of = None if call is None else call.legs.call_id
    return [(e["event_type"], e["payload"]) for e in told if of in (None, e["payload"]["call_control_id"])]


def types(engine: MediaEngine, call: LineCall | None = None) -> list[str]:
    return [event for event, _ in events(engine, call)]


def payload(engine: MediaEngine, event_type: str) -> dict[str, Any]:
    [found] = [payload for event, payload in events(engine) if event == event_type]
    return found
