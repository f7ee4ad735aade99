"""What the stand-in for Telnyx refuses, and how it misbehaves when it is told to."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from getpatter.testing.clouds import TelnyxCloud
from tests.testing.clouds.conftest import (
    BUSY,
    OURS,
    PERSON,
    MediaEngine,
    over,
)
from tests.testing.clouds.telnyx.conftest import Official, dial

# -- misbehaving


async def test_events_are_duplicated_with_one_id_and_repeated_until_they_are_taken(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    cloud.callbacks.duplicate("call.hangup")
    cloud.callbacks.drop("call.answered")
    await over(await dial(cloud, official, engine, BUSY))
    ids = [json.loads(webhook.body)["data"]["id"] for webhook in engine.webhooks]
    assert (len(ids), len(set(ids))) == (3, 2)


# -- what Telnyx refuses


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"connection_id": "1"}, 422, "10015"),
        ({"connection_id": None}, 422, "10004"),
        ({"from": "+12025550100"}, 403, "10010"),
        ({"to": "home"}, 422, "10016"),
        ({"timeout_secs": 3}, 422, "10015"),
        ({"stream_codec": "pcmu"}, 422, "10015"),
        ({"record": "record-from-answer"}, 422, "10015"),
        ({"colour": "red"}, 422, "10015"),
    ],
)
async def test_what_telnyx_would_not_take_is_refused(
    cloud: TelnyxCloud, changes: dict[str, Any], status: int, code: str
) -> None:
    fields = {"connection_id": cloud.application.connection_id, "to": PERSON, "from": OURS} | changes
    body = {name: value for name, value in fields.items() if value is not None}
    async with httpx.AsyncClient(trust_env=False, headers={"authorization": "Bearer KEY0"}) as client:
        answer = await client.post(f"{cloud.url}/calls", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


async def test_strangers_are_not_told_anything(cloud: TelnyxCloud) -> None:
    async with httpx.AsyncClient(trust_env=False, headers={"authorization": "Bearer guess"}) as client:
        answer = await client.get(f"{cloud.url}/phone_numbers")
    assert answer.status_code == 401
