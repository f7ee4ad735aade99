"""What the stand-in for Twilio refuses, and how it misbehaves when it is told to."""

from __future__ import annotations

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException

from getpatter.errors import CarrierError
from getpatter.testing.clouds import TwilioCloud
from tests.testing.clouds.conftest import (
    OURS,
    PERSON,
    MediaEngine,
    over,
)
from tests.testing.clouds.twilio.conftest import TOKEN, Official, dial

# -- misbehaving


async def test_callbacks_are_dropped_and_duplicated(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    cloud.callbacks.drop("ringing")
    cloud.callbacks.duplicate("completed", 3)
    await over(cloud.call(await dial(official, engine, PERSON)))
    assert engine.statuses() == ["initiated", "in-progress", "completed", "completed", "completed"]


async def test_callbacks_overtake_each_other(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    cloud.callbacks.swap("ringing", "completed")
    await over(cloud.call(await dial(official, engine, PERSON)))
    await engine.until(lambda: len(engine.statuses()) == 4)
    assert engine.statuses() == ["initiated", "in-progress", "completed", "ringing"]


async def test_a_callback_is_held_until_it_is_released(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    release = cloud.callbacks.delay("completed")
    await over(cloud.call(await dial(official, engine, PERSON)))
    assert engine.statuses() == ["initiated", "ringing", "in-progress"]
    release.set()
    await engine.until(lambda: engine.statuses()[-1:] == ["completed"])


async def test_a_silent_carrier_still_answers_questions(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    cloud.callbacks.silent = True
    sid = await dial(official, engine, PERSON)
    await over(cloud.call(sid))
    assert engine.webhooks == []
    assert (await official(lambda client: client.calls(sid).fetch())).status == "completed"


async def test_requests_fail_as_often_as_they_are_told_to(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    sid = await dial(official, engine, PERSON)
    cloud.fail_next(429, code=20429, message="Too Many Requests", path=sid, method="GET")
    with pytest.raises(TwilioRestException) as refused:
        await official(lambda client: client.calls(sid).fetch())
    assert (refused.value.status, refused.value.code) == (429, 20429)
    assert (await official(lambda client: client.calls(sid).fetch())).sid == sid


# -- what Twilio refuses


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "home"}, 21211),
        ({"From": "+12025550100"}, 21210),
        ({"Twiml": ""}, 21205),
        ({"Twiml": "<Response><Record/></Response>"}, 12100),
        ({"Twiml": "<Response>" + " " * 4000}, 32018),
        ({"Url": "nowhere"}, 21205),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"StatusCallbackEvent": "answering"}, 20001),
        ({"Timeout": "soon"}, 20001),
        ({"Timeouts": "1"}, 20001),
        ({"MachineDetection": "yes"}, 20001),
        ({"StatusCallbackMethod": "PUT"}, 20001),
    ],
)
async def test_what_twilio_would_not_take_is_refused(cloud: TwilioCloud, changes: dict[str, str], code: int) -> None:
    fields = {"To": PERSON, "From": OURS, "Twiml": "<Response/>"} | changes
    async with httpx.AsyncClient(trust_env=False, auth=(cloud.account_sid, TOKEN)) as client:
        answer = await client.post(f"{cloud.url}/2010-04-01/Accounts/{cloud.account_sid}/Calls.json", data=fields)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert cloud.requests[-1].text("From") == fields["From"]


async def test_a_trial_account_calls_nobody_unverified(cloud: TwilioCloud, official: Official) -> None:
    cloud.is_trial = True
    account = await official(lambda client: client.api.accounts(cloud.account_sid).fetch())
    assert (account.type, account.status) == ("Trial", "active")
    with pytest.raises(TwilioRestException) as refused:
        await official(lambda client: client.calls.create(to=PERSON, from_=OURS, twiml="<Response/>"))
    assert refused.value.code == 21219


async def test_strangers_are_not_told_anything(cloud: TwilioCloud) -> None:
    async with httpx.AsyncClient(trust_env=False, auth=(cloud.account_sid, "guess")) as client:
        answer = await client.get(f"{cloud.url}/2010-04-01/Accounts/{cloud.account_sid}.json")
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


async def test_a_call_that_never_was(cloud: TwilioCloud, official: Official) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await official(lambda client: client.calls("CA" + "0" * 32).fetch())
    assert (refused.value.status, refused.value.code) == (404, 20404)
    with pytest.raises(CarrierError, match="no call"):
        cloud.call("CA0")
