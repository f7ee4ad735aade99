"""Calls out and calls in at the stand-in for Plivo, driven and checked by Plivo's own library."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

import pytest
from plivo import plivoxml
from plivo.exceptions import ResourceNotFoundError
from plivo.utils import validate_v3_signature
from plivo.utils.signature_v3 import construct_get_url, get_signature_v3

from getpatter.errors import CarrierError
from getpatter.testing.clouds import PlivoCloud
from tests.testing.clouds.conftest import (
    BUSY,
    FOREVER,
    MENU,
    NOBODY,
    OURS,
    PERSON,
    WAITING,
    MediaEngine,
    over,
)
from tests.testing.clouds.plivo.conftest import TOKEN, Official, dial, document, live, stream

# -- calls out


async def test_a_call_rings_is_answered_talked_in_and_over(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    request_id = await dial(official, engine, PERSON)
    call = cloud.call(request_id)
    await over(call)
    kinds = [webhook.kind for webhook in engine.webhooks]
    assert kinds == ["ring", "answer", "status"]
    [ring], [answer], [end] = engine.forms("ring"), engine.forms("answer"), engine.forms("status")
    assert [form["CallStatus"] for form in (ring, answer, end)] == ["ringing", "in-progress", "completed"]
    assert [form["Event"] for form in (ring, answer, end)] == ["Ring", "StartApp", "Hangup"]
    assert (answer["From"], answer["To"], answer["Direction"]) == (OURS[1:], PERSON[1:], "outbound")
    assert (end["HangupCauseCode"], end["HangupCauseName"], end["HangupSource"]) == ("4000", "Normal Hangup", "Callee")
    assert (int(end["Duration"]), end["BillDuration"], end["TotalCost"]) == (1, "60", "0.01150")
    assert call.end.by == "party"


async def test_a_call_has_a_name_of_its_own_from_its_answer_on(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    request_id = await dial(official, engine, PERSON)
    await over(cloud.call(request_id))
    call_id = cloud.call(request_id).legs.call_id
    assert call_id != request_id
    named = [(form.get("CallUUID"), form["RequestUUID"]) for kind in ("ring", "answer") for form in engine.forms(kind)]
    assert named == [(None, request_id), (call_id, request_id)]
    assert cloud.call(call_id) is cloud.call(request_id)


async def test_both_names_may_be_one(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    cloud.renames = False
    request_id = await dial(official, engine, PERSON)
    await over(cloud.call(request_id))
    assert {form["CallUUID"] for kind in ("ring", "answer", "status") for form in engine.forms(kind)} == {request_id}


@pytest.mark.parametrize(
    ("to", "kinds", "status", "code"),
    [
        (BUSY, ["status"], "busy", "3010"),
        (NOBODY, ["ring", "status"], "no-answer", "3000"),
        ("+12025550100", ["status"], "failed", "2000"),
    ],
)
async def test_calls_that_nobody_takes(
    cloud: PlivoCloud, official: Official, engine: MediaEngine, to: str, kinds: list[str], status: str, code: str
) -> None:
    call = cloud.call(await dial(official, engine, to))
    await over(call)
    assert [webhook.kind for webhook in engine.webhooks] == kinds
    [end] = engine.forms("status")
    assert (end["CallStatus"], end["HangupCauseCode"], end["TotalCost"]) == (status, code, "0.00000")
    record = await official(lambda client: client.calls.get(call.legs.call_id))
    assert (record.hangup_cause_code, record.answer_time, record.total_amount) == (int(code), None, "0.00000")


async def test_a_ringing_call_is_taken_back_by_its_request(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    request_id = await dial(official, engine, FOREVER)
    await engine.until(lambda: bool(engine.forms("ring")))
    with pytest.raises(ResourceNotFoundError):
        await official(lambda client: client.calls.hangup(request_id))
    await official(lambda client: client.calls.cancel(request_id))
    await over(cloud.call(request_id))
    assert engine.statuses() == ["cancel"]
    with pytest.raises(ResourceNotFoundError):
        await official(lambda client: client.calls.cancel(request_id))


async def test_an_answered_call_is_ended_by_its_own_name_alone(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    request_id = await dial(official, engine, WAITING)
    call = cloud.call(request_id)
    async with asyncio.timeout(60):
        await call.streaming.wait()
    with pytest.raises(ResourceNotFoundError):
        await official(lambda client: client.calls.cancel(request_id))
    await official(lambda client: client.calls.hangup(call.legs.call_id))
    await over(call)
    assert engine.forms("status")[0]["HangupSource"] == "API Request"
    with pytest.raises(ResourceNotFoundError):
        await official(lambda client: client.calls.hangup(call.legs.call_id))


async def test_calls_are_looked_at_while_they_live(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    call_id = await live(cloud, official, engine)
    assert (await official(lambda client: client.live_calls.list_ids())).calls == [call_id]
    seen = await official(lambda client: client.live_calls.get(call_id))
    assert (seen.call_status, seen.call_uuid, seen.direction, seen.to) == (
        "in-progress",
        call_id,
        "outbound",
        WAITING[1:],
    )
    with pytest.raises(ResourceNotFoundError):
        await official(lambda client: client.calls.get(call_id))
    with pytest.raises(ResourceNotFoundError):
        await official(lambda client: client.queued_calls.get(call_id))
    cloud.call(call_id).hang_up()
    await over(cloud.call(call_id))
    assert (await official(lambda client: client.live_calls.list_ids())).calls == []


async def test_the_price_is_known_only_later(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    cloud.price_at_fetch = 3
    call = cloud.call(await dial(official, engine, PERSON))
    await over(call)
    records = [await official(lambda client: client.calls.get(call.legs.call_id)) for _ in range(4)]
    assert [record.total_amount for record in records] == ["0.00000", "0.00000", "0.01150", "0.01150"]
    assert (records[0].call_duration, records[0].billed_duration, records[0].call_direction) == (1, 60, "outbound")


async def test_each_webhook_and_the_stream_are_signed(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["answer"] = stream(engine, statusCallbackUrl=f"{engine.base}/stream", statusCallbackMethod="GET")
    await over(cloud.call(await dial(official, engine, PERSON)))
    assert [webhook.method for webhook in engine.webhooks] == ["POST", "POST", "GET", "GET", "POST"]
    for webhook in engine.webhooks:
        form = dict(parse_qsl(webhook.body.decode(), keep_blank_values=True))
        nonce = webhook.headers["x-plivo-signature-v3-nonce"]
        for name in ("x-plivo-signature-v3", "x-plivo-signature-ma-v3"):
            made = webhook.headers[name]
            assert validate_v3_signature(webhook.method, webhook.url, nonce, TOKEN, made, form)
            assert not validate_v3_signature(webhook.method, webhook.url, nonce, "guess", made, form)
    headers = engine.lines[0].headers
    signed = construct_get_url(engine.stream_url, {}).decode()
    right = get_signature_v3(TOKEN, signed, headers["x-plivo-signature-v3-nonce"]).decode()
    assert headers["x-plivo-signature-v3"] == right
    nonces = [webhook.headers["x-plivo-signature-v3-nonce"] for webhook in engine.webhooks]
    assert len(set(nonces)) == len(nonces)


async def test_a_document_is_fetched_as_asked_and_may_say_more_than_one_thing(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["answer"] = document(
        plivoxml.SpeakElement("Wait."),
        plivoxml.WaitElement(length=0),
        plivoxml.DTMFElement("7"),
        plivoxml.RedirectElement(f"{engine.base}/more", method="GET"),
    )
    engine.answers["more"] = document(plivoxml.WaitElement(length=0), plivoxml.HangupElement())
    call = cloud.call(await dial(official, engine, MENU, answer_method="GET"))
    await over(call)
    assert call.announcements == ["Wait."]
    assert call.far_end is not None
    assert call.far_end.keys_heard == "7"
    fetched = [webhook for webhook in engine.webhooks if webhook.method == "GET"]
    assert "Event=StartApp" in fetched[0].url


async def test_keys_are_pressed_as_soon_as_the_call_is_answered(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    call = cloud.call(await dial(official, engine, MENU, send_digits="w7"))
    await over(call)
    assert call.end.by == "party"


async def test_a_call_with_nothing_more_to_do_is_over(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["answer"] = document()
    await over(cloud.call(await dial(official, engine, WAITING)))
    assert engine.statuses() == ["completed"]


async def test_a_call_whose_document_cannot_be_read_is_over(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["answer"] = b"<Response><Record/></Response>"
    call = cloud.call(await dial(official, engine, WAITING))
    await over(call)
    assert call.refusal is not None
    assert "<Record>" in call.refusal.message


# -- calls in


async def test_a_party_rings_one_of_our_numbers(cloud: PlivoCloud, engine: MediaEngine) -> None:
    cloud.own(OURS, f"{engine.base}/answer")
    engine.answers["answer"] = stream(engine)
    result = await cloud.ring(PERSON, OURS)
    assert (result.ended_by, result.spoken) == ("party", ("Hello?",))
    [form] = engine.forms("answer")
    assert (form["From"], form["To"], form["CallStatus"]) == (PERSON[1:], OURS[1:], "ringing")
    assert (form["Direction"], form["CallUUID"], "RequestUUID" in form) == ("inbound", result.carrier_call_id, False)


async def test_a_number_is_pointed_at_an_engine(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    engine.answers["answer"] = stream(engine)
    made = await official(lambda client: client.applications.create(app_name="patter-1"))
    await official(
        lambda client: client.applications.update(
            made.app_id, answer_url=f"{engine.base}/answer", answer_method="GET", hangup_url=f"{engine.base}/status"
        )
    )
    await official(lambda client: client.numbers.update(OURS[1:], app_id=made.app_id))
    number = await official(lambda client: client.numbers.get(OURS[1:]))
    assert number.application.endswith(f"/Application/{made.app_id}/")
    [found] = (await official(lambda client: client.applications.list(app_name="patter"))).objects
    assert (found.app_id, found.app_name, found.answer_method) == (made.app_id, "patter-1", "GET")
    seen = await official(lambda client: client.applications.get(made.app_id))
    assert seen.answer_url == f"{engine.base}/answer"
    assert [owned.number for owned in (await official(lambda client: client.numbers.list())).objects] == [OURS[1:]]
    assert (await cloud.ring(PERSON, OURS)).answered
    assert [webhook.method for webhook in engine.webhooks] == ["GET", "POST"]
    assert engine.statuses() == ["completed"]


@pytest.mark.parametrize("reason", ["busy", "rejected"])
async def test_a_party_is_turned_away(cloud: PlivoCloud, engine: MediaEngine, reason: str) -> None:
    cloud.own(OURS, f"{engine.base}/answer")
    engine.answers["answer"] = document(plivoxml.HangupElement(reason=reason))
    result = await cloud.ring(PERSON, OURS)
    assert (result.answered, result.reason) == (False, reason)
    assert engine.lines == []


async def test_an_engine_that_does_not_take_the_stream_ends_the_call(cloud: PlivoCloud, engine: MediaEngine) -> None:
    cloud.own(OURS, f"{engine.base}/answer")
    engine.answers["answer"] = stream(engine)
    engine.refuses = True
    with pytest.raises(CarrierError, match="media stream could not be opened"):
        await cloud.ring(PERSON, OURS)


async def test_a_number_that_points_nowhere_cannot_be_rung(cloud: PlivoCloud) -> None:
    with pytest.raises(CarrierError, match="no application"):
        await cloud.ring(PERSON, OURS)
    with pytest.raises(CarrierError, match="no number of this account"):
        await cloud.ring(PERSON, "+12025550100")
