"""What the stand-in for Plivo refuses, and how it misbehaves when it is told to."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from plivo.exceptions import AuthenticationError, PlivoRestError, ResourceNotFoundError, ValidationError

from getpatter.errors import CarrierError
from getpatter.testing.clouds import PlivoCloud
from tests.testing.clouds.conftest import (
    BUSY,
    OURS,
    PERSON,
    MediaEngine,
    over,
)
from tests.testing.clouds.plivo.conftest import AUTH_ID, TOKEN, Official, dial, live

# -- misbehaving


async def test_callbacks_are_dropped_and_duplicated(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    cloud.callbacks.drop("ringing")
    cloud.callbacks.duplicate("completed", 3)
    await over(cloud.call(await dial(official, engine, PERSON)))
    assert engine.forms("ring") == []
    assert engine.statuses() == ["completed"] * 3


async def test_requests_fail_as_often_as_they_are_told_to(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    call_id = await live(cloud, official, engine)
    cloud.fail_next(429, message="Too Many Requests", path=call_id, method="GET")
    with pytest.raises(PlivoRestError, match="429"):
        await official(lambda client: client.live_calls.get(call_id))
    assert (await official(lambda client: client.live_calls.get(call_id))).call_uuid == call_id


# -- what Plivo refuses


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"to": ""}, "to parameter not present"),
        ({"to": "home"}, "to parameter is invalid"),
        ({"to": f"{PERSON}<{BUSY}"}, "to parameter is invalid"),
        ({"from": "+12025550100"}, "not associated with your account"),
        ({"answer_url": ""}, "answer_url parameter not present"),
        ({"answer_url": "nowhere"}, "answer_url parameter is not a valid URL"),
        ({"answer_method": "PUT"}, "HTTP method"),
        ({"ring_timeout": "soon"}, "ring_timeout parameter must be"),
        ({"time_limit": 0}, "time_limit parameter must be"),
        ({"machine_detection": "hangup"}, "machine_detection parameter cannot be"),
        ({"machine_detection_time": 1000}, "machine_detection_time parameter must be"),
        ({"send_digits": "x"}, "no key"),
        ({"ring_timeouts": 1}, "unknown or not simulated"),
    ],
)
async def test_what_plivo_would_not_take_is_refused(cloud: PlivoCloud, changes: dict[str, Any], says: str) -> None:
    fields = {"to": PERSON, "from": OURS, "answer_url": "https://a.example/answer"} | changes
    answer = await post(cloud, "Call/", fields)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert cloud.requests[-1].text("from") == fields["from"]


@pytest.mark.parametrize("body", [b"[]", b"{", b'"to"'])
async def test_a_body_that_is_no_object_is_refused(cloud: PlivoCloud, body: bytes) -> None:
    async with httpx.AsyncClient(trust_env=False, auth=(AUTH_ID, TOKEN)) as client:
        answer = await client.post(
            f"{cloud.url}/Account/{AUTH_ID}/Call/", content=body, headers={"content-type": "application/json"}
        )
    assert answer.status_code == 400


async def test_what_is_asked_of_a_call_is_looked_at(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    call_id = await live(cloud, official, engine)
    for path, fields, says in (
        (f"Call/{call_id}/", {"legs": "both", "aleg_url": "https://a.example/"}, "legs parameter"),
        (f"Call/{call_id}/", {"legs": "aleg"}, "aleg_url parameter not present"),
        (f"Call/{call_id}/", {"aleg_url": "https://a.example/", "call_uuid": "other"}, "that of the path"),
        (f"Call/{call_id}/Record/", {}, "Only the format wav"),
        (f"Call/{call_id}/Speak/", {"text": "So.", "language": "tlh"}, "language parameter"),
        (f"Call/{call_id}/DTMF/", {"digits": "x"}, "no key"),
        ("Application/", {"app_name": "our engine"}, "app_name parameter may have"),
        ("Application/", {}, "app_name parameter not present"),
    ):
        answer = await post(cloud, path, fields)
        assert (answer.status_code, says in answer.json()["error"]) == (400, True), (path, answer.text)


async def post(cloud: PlivoCloud, path: str, fields: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, auth=(AUTH_ID, TOKEN)) as client:
        return await client.post(f"{cloud.url}/Account/{AUTH_ID}/{path}", json=fields)


async def test_a_trial_account_calls_nobody_unverified(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    cloud.is_trial = True
    account = await official(lambda client: client.account.get())
    assert (account.account_type, account.auth_id) == ("developer", AUTH_ID)
    with pytest.raises(ValidationError, match="not verified"):
        await dial(official, engine, PERSON)


async def test_strangers_are_not_told_anything(cloud: PlivoCloud) -> None:
    stranger = Official(cloud.url, "guess")
    with pytest.raises(AuthenticationError):
        await stranger(lambda client: client.account.get())
    stranger.close()


async def test_what_never_was_is_not_found(cloud: PlivoCloud, official: Official) -> None:
    for ask in (
        lambda client: client.calls.get("0"),
        lambda client: client.numbers.get("12025550100"),
        lambda client: client.applications.get("1"),
        lambda client: client.numbers.update(OURS[1:], app_id="1"),
    ):
        with pytest.raises(ResourceNotFoundError):
            await official(ask)
    with pytest.raises(CarrierError, match="no call"):
        cloud.call("0")
