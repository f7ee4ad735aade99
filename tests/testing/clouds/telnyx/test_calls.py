"""Calls out and calls in at the stand-in for Telnyx, driven and checked by Telnyx's own library."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import telnyx
from telnyx.lib.webhook_verification import WebhookVerificationError

from getpatter.carriers.base import WebhookRequest
from getpatter.errors import CarrierError
from getpatter.testing.clouds import TelnyxCloud
from tests.testing.clouds.conftest import (
    BUSY,
    FOREVER,
    NOBODY,
    OURS,
    PERSON,
    PRESSES,
    MediaEngine,
    over,
)
from tests.testing.clouds.telnyx.conftest import STATE, Official, dial, payload, stream, types

# -- calls out


async def test_a_call_is_answered_talked_in_and_over(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    call = await dial(cloud, official, engine, PERSON)
    await over(call)
    told = ["call.initiated", "call.answered", "streaming.started", "streaming.stopped", "call.hangup"]
    assert types(engine) == told
    hangup = payload(engine, "call.hangup")
    assert (hangup["hangup_cause"], hangup["hangup_source"]) == ("normal_clearing", "callee")
    start = json.loads(engine.lines[0].frames[1])["start"]
    assert (start["call_control_id"], start["client_state"]) == (call.legs.call_id, STATE)
    assert start["media_format"] == {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}
    assert json.loads(engine.lines[0].frames[-1])["event"] == "stop"


async def test_each_event_is_one_that_telnyxs_own_library_knows_and_finds_signed(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    await over(await dial(cloud, official, engine, PRESSES, answering_machine_detection="greeting_end"))
    assert "call.dtmf.received" in types(engine)
    kinds = [
        type(official.client.webhooks.unwrap(webhook.body.decode(), headers=webhook.headers)).__name__
        for webhook in engine.webhooks
    ]
    assert kinds == [_kind(event) for event in types(engine)]
    forged = engine.webhooks[0].body.replace(b"call.initiated", b"call.answered")
    with pytest.raises(WebhookVerificationError, match="Signature verification failed"):
        official.client.webhooks.unwrap(forged.decode(), headers=engine.webhooks[0].headers)


def _kind(event_type: str) -> str:
    """What the library calls such an event."""
    words = event_type.replace("streaming.", "call.streaming.").split(".")
    return "".join(word.capitalize() for word in words) + "WebhookEvent"


@pytest.mark.parametrize(("to", "cause"), [(BUSY, "user_busy"), (NOBODY, "timeout"), ("+12025550100", "not_found")])
async def test_calls_that_nobody_takes(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine, to: str, cause: str
) -> None:
    call = await dial(cloud, official, engine, to)
    await over(call)
    assert types(engine) == ["call.initiated", "call.hangup"]
    assert payload(engine, "call.hangup")["hangup_cause"] == cause
    found = await official(lambda client: client.calls.retrieve_status(call.legs.call_id))
    assert (found.data.is_alive, bool(found.data.end_time)) == (False, True)
    with pytest.raises(telnyx.UnprocessableEntityError, match="90018"):
        await official(lambda client: client.calls.actions.hangup(call.legs.call_id))


async def test_a_ringing_call_is_canceled(cloud: TelnyxCloud, official: Official, engine: MediaEngine) -> None:
    call = await dial(cloud, official, engine, FOREVER)
    await official(lambda client: client.calls.actions.hangup(call.legs.call_id))
    await over(call)
    assert payload(engine, "call.hangup")["hangup_cause"] == "originator_cancel"


async def test_a_command_with_the_same_id_is_done_once(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    one = await dial(cloud, official, engine, FOREVER, command_id="1")
    assert await dial(cloud, official, engine, FOREVER, command_id="1") is one
    assert await dial(cloud, official, engine, FOREVER, command_id="2") is not one


async def test_a_call_tells_its_own_webhook_and_its_cost(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    await official(
        lambda client: client.call_control_applications.update(
            cloud.application.connection_id,
            application_name="patter",
            webhook_event_url=f"{engine.base}/other",
            call_cost_in_webhooks=True,
        )
    )
    call = await dial(cloud, official, engine, PERSON, webhook_url=f"{engine.base}/mine")
    await over(call)
    assert {webhook.url for webhook in engine.webhooks} == {f"{engine.base}/mine"}
    assert payload(engine, "call.cost")["total_cost"] == "0.0070"


# -- calls in


def answers(cloud: TelnyxCloud, engine: MediaEngine, action: str, **fields: Any) -> None:
    """Have the engine command this when it is rung."""

    async def command(webhook: WebhookRequest) -> None:
        event = json.loads(webhook.body)["data"]
        if event["event_type"] == "call.initiated":
            url = f"{cloud.url}/calls/{event['payload']['call_control_id']}/actions/{action}"
            async with httpx.AsyncClient(trust_env=False, headers={"authorization": "Bearer KEY0"}) as client:
                assert (await client.post(url, json=fields)).status_code == 200

    engine.on_webhook = command


async def test_a_party_rings_and_is_answered_by_command(cloud: TelnyxCloud, engine: MediaEngine) -> None:
    answers(cloud, engine, "answer", **stream(engine))
    result = await cloud.ring(PERSON, OURS)
    assert (result.ended_by, result.spoken) == ("party", ("Hello?",))
    initiated = payload(engine, "call.initiated")
    assert (initiated["direction"], initiated["state"]) == ("incoming", "parked")
    assert (initiated["from"], initiated["to"]) == (PERSON, OURS)
    assert payload(engine, "call.hangup")["hangup_source"] == "caller"


@pytest.mark.parametrize(
    ("cause", "reason", "told"), [("USER_BUSY", "busy", "user_busy"), ("CALL_REJECTED", "rejected", "call_rejected")]
)
async def test_a_party_is_turned_away(
    cloud: TelnyxCloud, engine: MediaEngine, cause: str, reason: str, told: str
) -> None:
    answers(cloud, engine, "reject", cause=cause)
    result = await cloud.ring(PERSON, OURS)
    assert (result.answered, result.reason) == (False, reason)
    assert payload(engine, "call.hangup")["hangup_cause"] == told


async def test_a_party_that_nobody_answers_gives_up(cloud: TelnyxCloud, engine: MediaEngine) -> None:
    cloud.ring_timeout_s = 0.05
    with pytest.raises(CarrierError, match="did not answer"):
        await cloud.ring(PERSON, OURS)
    assert payload(engine, "call.hangup")["hangup_cause"] == "originator_cancel"


async def test_a_number_on_no_application_cannot_be_rung(cloud: TelnyxCloud, official: Official) -> None:
    page = await official(lambda client: client.phone_numbers.list(filter={"phone_number": OURS}))
    [number] = page.data
    await official(lambda client: client.phone_numbers.update(number.id, connection_id="1"))
    with pytest.raises(CarrierError, match="no application"):
        await cloud.ring(PERSON, OURS)
