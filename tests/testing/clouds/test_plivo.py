"""The stand-in for Plivo, driven and checked by Plivo's own library."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx
import plivo
import pytest
from plivo import plivoxml
from plivo.exceptions import AuthenticationError, PlivoRestError, ResourceNotFoundError, ValidationError
from plivo.utils import validate_v3_signature
from plivo.utils.signature_v3 import construct_get_url, get_signature_v3

from getpatter.errors import CarrierError
from getpatter.testing.clouds import PlivoCloud
from getpatter.testing.line_call import LineCall
from getpatter.testing.parties import Directory

if TYPE_CHECKING:
    from tests.testing.clouds.conftest import MediaEngine

OURS = "+12025550199"
PERSON = "+12025550150"
BUSY = "+12025550151"
NOBODY = "+12025550152"
MACHINE = "+12025550153"
WAITING = "+12025550154"
FOREVER = "+12025550155"
PRESSES = "+12025550156"
MENU = "+12025550157"
TAKES = "+12025550158"
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


async def over(call: LineCall) -> None:
    async with asyncio.timeout(60):
        await call.ended.wait()


async def live(cloud: PlivoCloud, official: Official, engine: MediaEngine, to: str = WAITING) -> str:
    """The name of a call that is being talked in."""
    call = cloud.call(await dial(official, engine, to))
    async with asyncio.timeout(60):
        await call.streaming.wait()
    return call.legs.call_id


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


# -- the stream


async def test_the_stream_brings_back_what_the_document_said(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    call_id = await live(cloud, official, engine, PERSON)
    await over(cloud.call(call_id))
    [line] = engine.lines
    start = json.loads(line.frames[0])
    assert (start["event"], start["start"]["callId"], start["start"]["accountId"]) == ("start", call_id, AUTH_ID)
    assert start["extra_headers"] == "token=t1,more=2"


async def test_the_stream_is_told_of(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    engine.answers["answer"] = stream(engine, statusCallbackUrl=f"{engine.base}/s")
    await over(cloud.call(await dial(official, engine, PERSON)))
    engine.refuses = True
    await over(cloud.call(await dial(official, engine, PERSON)))
    forms = engine.forms("s")
    assert [form["Event"] for form in forms] == ["StartStream", "StopStream", "DroppedStream"]
    assert "403" in forms[-1]["Error"]
    assert {form["ServiceURL"] for form in forms} == {engine.stream_url}


async def test_the_partys_keys_come_over_the_stream(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    await over(cloud.call(await dial(official, engine, PRESSES)))
    said = [json.loads(frame) for frame in engine.lines[0].frames]
    assert [message["dtmf"]["digit"] for message in said if message["event"] == "dtmf"] == ["1", "2", "#"]


async def test_keys_pressed_on_the_stream_are_heard(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    async def press(line: Any) -> None:
        await line.until("start")
        await line.socket.send_text('{"event":"sendDTMF","dtmf":"7"}')
        await line.to_the_end()

    engine.talk = press
    call = cloud.call(await dial(official, engine, MENU))
    await over(call)
    assert call.far_end is not None
    assert (call.far_end.keys_heard, call.end.by) == ("7", "party")


async def test_a_stream_is_stopped_and_the_call_goes_on(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["answer"] = stream(engine).replace(b"</Response>", b"<Speak>Bye.</Speak></Response>")
    call_id = await live(cloud, official, engine)
    await official(lambda client: client.calls.delete_all_streams(call_id))
    await over(cloud.call(call_id))
    assert cloud.call(call_id).announcements == ["Bye."]


async def test_a_stream_that_is_cut_ends_the_call(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    call_id = await live(cloud, official, engine)
    cloud.call(call_id).cut_stream()
    await over(cloud.call(call_id))
    assert (cloud.call(call_id).end.by, engine.statuses()) == ("lost", ["completed"])


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


# -- detection


@pytest.mark.parametrize(
    ("to", "verdict", "machine"),
    [
        (PERSON, None, "false"),
        (MACHINE, None, "true"),
        (WAITING, "machine", "true"),
        (WAITING, "fax", "true"),
    ],
)
async def test_detection_tells_once_who_answered(
    cloud: PlivoCloud, official: Official, engine: MediaEngine, to: str, verdict: Any, machine: str
) -> None:
    if verdict:
        cloud.verdicts[to] = verdict
    call = cloud.call(
        await dial(official, engine, to, machine_detection="true", machine_detection_url=f"{engine.base}/amd")
    )
    await engine.until(lambda: bool(engine.forms("amd")))
    call.hang_up()
    await over(call)
    [form] = engine.forms("amd")
    assert (form["Machine"], form["Event"], form["CallUUID"]) == (machine, "MachineDetection", call.legs.call_id)
    assert "Machine" not in engine.forms("answer")[0]


async def test_of_whom_plivo_cannot_tell_nothing_is_told(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    cloud.verdicts[PERSON] = "unknown"
    named = {"machine_detection": "true", "machine_detection_url": f"{engine.base}/amd"}
    await over(cloud.call(await dial(official, engine, PERSON, **named)))
    assert engine.forms("amd") == []


async def test_detection_without_a_url_holds_the_call_up(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["answer"] = document()
    await over(cloud.call(await dial(official, engine, MACHINE, machine_detection="true")))
    assert engine.forms("answer")[0]["Machine"] == "true"


# -- in the call


async def test_a_call_is_handed_to_somebody_else(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    engine.answers["next"] = document(plivoxml.DialElement(timeout=20).add_number(PERSON[1:]))
    call_id = await live(cloud, official, engine)
    said = await official(lambda client: client.calls.transfer(call_id, legs="aleg", aleg_url=f"{engine.base}/next"))
    assert said.call_uuids == [call_id]
    call = cloud.call(call_id)
    await over(call)
    assert engine.forms("next")[0]["Event"] == "Redirect"
    onward = call.onward_call
    assert onward is not None
    assert onward.statuses == ["initiated", "ringing", "in-progress", "completed"]
    record = await official(lambda client: client.calls.get(onward.legs.call_id))
    assert (record.parent_call_uuid, record.to_number, record.from_number) == (call_id, PERSON[1:], OURS[1:])
    with pytest.raises(ResourceNotFoundError):
        await official(lambda client: client.calls.transfer(call_id, legs="aleg", aleg_url=f"{engine.base}/next"))


async def test_what_follows_a_dial_is_asked_with_its_outcome(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["answer"] = document(plivoxml.DialElement(action=f"{engine.base}/after").add_number(BUSY))
    engine.answers["after"] = document(plivoxml.SpeakElement("Nobody is there."))
    call = cloud.call(await dial(official, engine, WAITING))
    await over(call)
    [after] = engine.forms("after")
    assert (after["DialStatus"], after["DialRingStatus"], after["DialHangupCause"]) == ("busy", "false", "USER_BUSY")
    assert call.announcements == ["Nobody is there."]


def asking(engine: MediaEngine) -> Any:
    """Plivo's own element, of one key."""
    return plivoxml.GetInputElement(
        action=f"{engine.base}/key", input_type="dtmf", execution_timeout=9, num_digits=1, finish_on_key="none"
    ).add(plivoxml.SpeakElement("Press."))


async def test_a_key_leads_to_what_is_said_of_it(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    engine.answers["answer"] = document(asking(engine), plivoxml.SpeakElement("Nobody."))
    engine.answers["key"] = document(plivoxml.SpeakElement("Thank you."))
    call = cloud.call(await dial(official, engine, TAKES))
    await over(call)
    [form] = engine.forms("key")
    assert (form["Digits"], form["InputType"], form["CallUUID"]) == ("5", "dtmf", call.legs.call_id)
    assert call.announcements == ["Press.", "Thank you."]


async def test_without_a_key_what_follows_is_done(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    cloud.lines.longest_key_wait_s = 0.05
    engine.answers["answer"] = document(asking(engine), asking(engine), plivoxml.SpeakElement("Nobody."))
    call = cloud.call(await dial(official, engine, MACHINE))
    await over(call)
    assert call.announcements == ["Press.", "Press.", "Nobody."]
    assert engine.forms("key") == []


async def test_two_calls_meet_in_a_conference(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    def room(kind: str, *, starts: bool, ends: bool) -> bytes:
        return document(
            plivoxml.ConferenceElement(
                "room",
                start_conference_on_enter=starts,
                end_conference_on_exit=ends,
                callback_url=f"{engine.base}/{kind}",
            )
        )

    caller = await live(cloud, official, engine)
    engine.answers["answer"] = room("colleague", starts=False, ends=True)
    engine.answers["next"] = room("caller", starts=True, ends=False)
    colleague = cloud.call(await dial(official, engine, WAITING)).legs.call_id
    await engine.until(lambda: bool(engine.forms("colleague")))
    await official(lambda client: client.calls.transfer(caller, legs="aleg", aleg_url=f"{engine.base}/next"))
    await engine.until(lambda: bool(engine.forms("caller")))
    await official(lambda client: client.calls.hangup(colleague))
    await over(cloud.call(caller))
    for kind, call_id in (("colleague", colleague), ("caller", caller)):
        forms = engine.forms(kind)
        assert [form["ConferenceAction"] for form in forms] == ["enter", "exit"]
        assert {(form["CallUUID"], form["ConferenceName"]) for form in forms} == {(call_id, "room")}
    assert cloud.call(caller).status == "completed"


async def test_a_call_is_recorded_on_two_channels(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    call_id = await live(cloud, official, engine)
    recording = await official(
        lambda client: client.calls.record(
            call_id,
            file_format="wav",
            record_channel_type="stereo",
            callback_url=f"{engine.base}/recording",
        )
    )
    await official(lambda client: client.calls.hangup(call_id))
    await over(cloud.call(call_id))
    [form] = engine.forms("recording")
    assert (form["recording_id"], form["api_id"], form["call_uuid"]) == (
        recording.recording_id,
        recording.api_id,
        call_id,
    )
    async with httpx.AsyncClient(trust_env=False) as client:
        audio = await client.get(form["record_url"])
    with wave.open(io.BytesIO(audio.content)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        assert file.getnframes() * 1000 / 8000 == float(form["recording_duration_ms"])


async def test_a_recording_ends_when_it_is_told_to(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    call_id = await live(cloud, official, engine)
    named = {"file_format": "wav", "callback_url": f"{engine.base}/recording"}
    await official(lambda client: client.calls.record(call_id, **named))
    await official(lambda client: client.calls.stop_recording(call_id, callback_url=None, callback_method=None))
    await engine.until(lambda: bool(engine.forms("recording")))
    assert cloud.call(call_id).is_live


async def test_the_carriers_voice_and_keys_go_beside_the_stream(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    call_id = await live(cloud, official, engine, MENU)
    await official(lambda client: client.calls.speak(call_id, "One moment."))
    await official(lambda client: client.calls.send_digits(call_id, "7"))
    await over(cloud.call(call_id))
    assert cloud.call(call_id).announcements == ["One moment."]
    assert cloud.call(call_id).end.by == "party"


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
