"""What the carrier asks of Twilio's API, and what it makes of the answers."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from getpatter.carriers.base import (
    Carrier,
    CarrierCall,
    CarrierStatus,
    ConsultRequest,
    DialRequest,
    InboundCall,
    NumberSetup,
    Price,
    RecordingReady,
    StreamTarget,
    WebhookRequest,
)
from getpatter.carriers.twilio.account import Twilio
from getpatter.carriers.twilio.carrier import TwilioCarrier
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.errors import CarrierError, InvalidSignature

if TYPE_CHECKING:
    from tests.carriers.twilio.conftest import OpenDesk

    Refusal = Callable[[int, str], tuple[int, Any]]

ACCOUNT = "AC" + "a" * 32
CALL = "CA" + "c" * 32
COLLEAGUE = "CA" + "d" * 32
NUMBER = "+12025550199"
HOOKS = "https://patter.example/webhooks/twilio"
STREAM = StreamTarget("wss://patter.example/ws/twilio/stream/call_1", {"token": "once"})
OWNED = {
    "sid": "PN" + "b" * 32,
    "phone_number": NUMBER,
    "voice_url": "https://old.example/",
    "capabilities": {"voice": True},
}
TAKEN = (201, {"sid": CALL, "status": "queued"})
DONE = (200, {"sid": CALL, "status": "completed"})


def dial_request(**changes: Any) -> DialRequest:
    usual: dict[str, Any] = {
        "call_id": "call_1",
        "to_number": "+12025550150",
        "from_number": NUMBER,
        "stream": STREAM,
        "webhooks_url": HOOKS,
    }
    return DialRequest(**(usual | changes))


def consult_request() -> ConsultRequest:
    return ConsultRequest(
        carrier_call_id=CALL,
        to_number="+12025550100",
        from_number=NUMBER,
        summary="Ann wants a table.",
        language="en",
        webhooks_url=HOOKS,
    )


def webhook(kind: str, call: str, **form: str) -> WebhookRequest:
    return WebhookRequest("POST", f"{HOOKS}/{kind}", {}, urlencode({"CallSid": call} | form).encode(), kind)


def accept(carrier: TwilioCarrier, call: str, **form: str) -> str:
    """What a colleague hears after a key."""
    response = carrier.parse(webhook("accept", call, **({"Digits": "1"} | form))).response
    assert (response.status, response.content_type) == (200, "text/xml")
    return response.body.decode()


def room(document: str) -> str:
    return ElementTree.fromstring(document).findtext("Dial/Conference") or ""


async def test_it_is_a_carrier_and_keeps_its_connections_to_itself() -> None:
    carrier: Carrier = Twilio(ACCOUNT, "token").open()
    assert carrier.name == "twilio"
    assert isinstance(carrier.media_codec(), TwilioMediaCodec)
    await carrier.close()


# -- dialling


async def test_dialling_asks_for_the_stream_reports_and_detection(desk: OpenDesk) -> None:
    async with desk(TAKEN) as at:
        dialed = await at.carrier.dial(dial_request(ring_timeout_s=25.4, max_duration_s=600.2))
    (asked,) = at.api.asked
    assert dialed.carrier_call_id == CALL
    assert (asked.method, asked.path) == ("POST", "/Calls.json")
    assert asked.authorization == "Basic " + base64.b64encode(f"{ACCOUNT}:the-auth-token".encode()).decode()
    assert [value for name, value in asked.form if name == "StatusCallbackEvent"] == [
        "initiated",
        "ringing",
        "answered",
        "completed",
    ]
    assert ElementTree.fromstring(asked.fields["Twiml"])[0][0].attrib["url"] == STREAM.url
    assert {name: value for name, value in asked.form if name not in ("Twiml", "StatusCallbackEvent")} == {
        "To": "+12025550150",
        "From": NUMBER,
        "Timeout": "25",
        "StatusCallback": f"{HOOKS}/status?call=call_1",
        "StatusCallbackMethod": "POST",
        "TimeLimit": "601",
        "MachineDetection": "DetectMessageEnd",
        "AsyncAmd": "true",
        "AsyncAmdStatusCallback": f"{HOOKS}/amd",
        "AsyncAmdStatusCallbackMethod": "POST",
    }


async def test_machines_are_detected_only_where_it_was_asked_for(desk: OpenDesk) -> None:
    async with desk(TAKEN) as at:
        await at.carrier.dial(dial_request(machine_detection=False))
    assert not {name for name, _ in at.api.asked[0].form if "Amd" in name or "Machine" in name}


@pytest.mark.parametrize(("asked_s", "limits"), [(0.1, ("1", "1")), (10**6, ("600", "14400"))])
async def test_times_stay_within_what_twilio_takes(desk: OpenDesk, asked_s: float, limits: tuple[str, str]) -> None:
    async with desk(TAKEN) as at:
        await at.carrier.dial(dial_request(ring_timeout_s=asked_s, max_duration_s=asked_s))
    fields = at.api.asked[0].fields
    assert (fields["Timeout"], fields["TimeLimit"]) == limits


async def test_a_call_is_never_placed_twice(desk: OpenDesk) -> None:
    async with desk((503, {}), TAKEN) as at:
        with pytest.raises(CarrierError, match="HTTP 503"):
            await at.carrier.dial(dial_request())
    assert len(at.api.asked) == 1


async def test_a_refused_call_says_what_to_do(desk: OpenDesk, refusal: Refusal) -> None:
    async with desk(refusal(400, "21219")) as at:
        with pytest.raises(CarrierError, match="trial account") as refused:
            await at.carrier.dial(dial_request())
    assert refused.value.carrier_code == "21219"


@pytest.mark.parametrize("answer", [{}, {"sid": 7}, {"sid": "../Accounts"}, b"<html>"])
async def test_a_call_without_a_name_is_an_error(desk: OpenDesk, answer: Any) -> None:
    async with desk((201, answer)) as at:
        with pytest.raises(CarrierError):
            await at.carrier.dial(dial_request())


async def test_a_stream_that_needs_too_long_a_document_is_not_dialled(desk: OpenDesk) -> None:
    async with desk() as at:
        with pytest.raises(CarrierError, match="4000"):
            await at.carrier.dial(dial_request(stream=StreamTarget("wss://h/" + "x" * 4000)))
    assert not at.api.asked


# -- hanging up


async def test_hanging_up_completes_the_call(desk: OpenDesk) -> None:
    async with desk(DONE) as at:
        await at.carrier.hang_up(CALL)
    assert [(asked.path, asked.form) for asked in at.api.asked] == [(f"/Calls/{CALL}.json", [("Status", "completed")])]


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing"])
async def test_a_call_that_goes_on_ringing_is_cancelled(desk: OpenDesk, status: str) -> None:
    async with desk((200, {"sid": CALL, "status": status}), DONE) as at:
        await at.carrier.hang_up(CALL)
    assert [asked.fields["Status"] for asked in at.api.asked] == ["completed", "canceled"]


@pytest.mark.parametrize(("status", "code"), [(404, "20404"), (400, "21220")])
async def test_a_call_that_is_over_needs_no_hanging_up(
    desk: OpenDesk, refusal: Refusal, status: int, code: str
) -> None:
    async with desk(refusal(status, code)) as at:
        await at.carrier.hang_up(CALL)


async def test_hanging_up_is_tried_again(desk: OpenDesk) -> None:
    async with desk((500, {}), (429, {}), DONE) as at:
        await at.carrier.hang_up(CALL)
    assert len(at.api.asked) == 3


async def test_a_call_that_cannot_be_ended_is_an_error(desk: OpenDesk, refusal: Refusal) -> None:
    async with desk(refusal(401, "20003")) as at:
        with pytest.raises(CarrierError, match="auth token"):
            await at.carrier.hang_up(CALL)


@pytest.mark.parametrize("answer", [(503, {}), (201, {"status": "queued"}), (201, {"sid": "CA1"})])
async def test_a_call_of_which_twilio_tells_nothing_may_have_been_placed(
    desk: OpenDesk, answer: tuple[int, dict[str, str]]
) -> None:
    async with desk(answer) as at:
        with pytest.raises(CarrierError, match="the call may have been placed all the same") as failed:
            await at.carrier.dial(dial_request())
    assert len(at.api.asked) == 1
    assert "Try again" not in (failed.value.next_step or "")


@pytest.mark.parametrize("name", ["", "CA1", "../Calls", CALL + "/x", "call_1", "CA" + "c" * 31 + "\n"])
async def test_only_names_of_calls_become_paths(desk: OpenDesk, name: str) -> None:
    async with desk() as at:
        for doing in (at.carrier.hang_up(name), at.carrier.fetch_call(name), at.carrier.start_recording(name, HOOKS)):
            with pytest.raises(CarrierError, match="no name that Twilio gives"):
                await doing
    assert not at.api.asked


# -- in the call


async def test_a_transfer_redirects_the_call_once(desk: OpenDesk) -> None:
    async with desk((500, {})) as at:
        with pytest.raises(CarrierError):
            await at.carrier.transfer(CALL, "+12025550100", from_number=NUMBER)
    (asked,) = at.api.asked
    assert asked.path == f"/Calls/{CALL}.json"
    assert [name for name, _ in asked.form] == ["Twiml", "TimeLimit"]
    assert ElementTree.fromstring(asked.fields["Twiml"]).findtext("Dial/Number") == "+12025550100"


async def test_who_is_put_through_may_talk_for_longer_than_with_the_agent(desk: OpenDesk) -> None:
    async with desk((200, {"sid": COLLEAGUE, "status": "in-progress"}), DONE, DONE) as at:
        await at.carrier.connect(CALL, COLLEAGUE)
        await at.carrier.transfer(CALL, "+12025550100", from_number=NUMBER)
    _, put_through, transferred = at.api.asked
    assert (put_through.fields["TimeLimit"], transferred.fields["TimeLimit"]) == ("14400", "14400")


async def test_a_colleagues_call_has_a_limit(desk: OpenDesk) -> None:
    async with desk((201, {"sid": COLLEAGUE})) as at:
        await at.carrier.consult(replace(consult_request(), max_duration_s=1800.5))
    assert at.api.asked[0].fields["TimeLimit"] == "1801"


async def test_a_colleague_and_the_caller_meet_in_one_room(desk: OpenDesk) -> None:
    async with desk((201, {"sid": COLLEAGUE}), (200, {"sid": COLLEAGUE, "status": "in-progress"}), DONE) as at:
        colleague = await at.carrier.consult(consult_request())
        await at.carrier.connect(CALL, colleague)
        briefed = accept(at.carrier, COLLEAGUE)
    called, looked, put_through = at.api.asked
    assert colleague == COLLEAGUE
    assert (called.path, called.fields["To"], called.fields["From"]) == ("/Calls.json", "+12025550100", NUMBER)
    assert called.fields["StatusCallback"] == f"{HOOKS}/status"
    assert looked.path == f"/Calls/{COLLEAGUE}.json"
    assert put_through.path == f"/Calls/{CALL}.json"
    assert room(briefed) == room(put_through.fields["Twiml"]) != ""


async def test_a_colleague_is_told_nothing_before_a_key_was_pressed(desk: OpenDesk) -> None:
    async with desk((201, {"sid": COLLEAGUE})) as at:
        await at.carrier.consult(consult_request())
        (called,) = at.api.asked
        assert "Ann" not in str(called.form)
        assert [element.tag for element in ElementTree.fromstring(called.fields["Twiml"])] == ["Gather"] * 2 + [
            "Hangup"
        ]
        assert "Ann" not in accept(at.carrier, COLLEAGUE, Digits="")
        for _ in range(2):  # what got no answer comes again
            assert ElementTree.fromstring(accept(at.carrier, COLLEAGUE)).findtext("Say") == "Ann wants a table."


@pytest.mark.parametrize("status", ["completed", "busy", "failed", "no-answer", "canceled"])
async def test_what_a_colleague_was_to_be_told_is_forgotten_with_their_call(desk: OpenDesk, status: str) -> None:
    async with desk((201, {"sid": COLLEAGUE})) as at:
        await at.carrier.consult(consult_request())
        at.carrier.parse(webhook("status", COLLEAGUE, CallStatus="in-progress"))
        at.carrier.parse(webhook("status", CALL, CallStatus="completed"))
        assert "Ann" in accept(at.carrier, COLLEAGUE)
        at.carrier.parse(webhook("status", COLLEAGUE, CallStatus=status))
        assert [element.tag for element in ElementTree.fromstring(accept(at.carrier, COLLEAGUE))] == ["Hangup"]


async def test_whoever_is_not_expected_is_let_go(desk: OpenDesk, refusal: Refusal) -> None:
    async with desk(refusal(400, "21211")) as at:
        with pytest.raises(CarrierError):
            await at.carrier.consult(consult_request())
        assert [element.tag for element in ElementTree.fromstring(accept(at.carrier, COLLEAGUE))] == ["Hangup"]


async def test_rooms_differ_by_caller_and_account(desk: OpenDesk) -> None:
    rooms = set()
    async with desk(TAKEN) as at:
        for token, call in (("one", CALL), ("one", COLLEAGUE), ("other", CALL)):
            carrier = TwilioCarrier(Twilio(ACCOUNT, token, at.url))
            colleague = await carrier.consult(replace(consult_request(), carrier_call_id=call))
            rooms.add(room(accept(carrier, colleague)))
            await carrier.close()
    assert len(rooms) == 3


async def test_nobody_is_put_through_to_a_colleague_who_has_hung_up(desk: OpenDesk) -> None:
    async with desk((200, {"sid": COLLEAGUE, "status": "completed"})) as at:
        with pytest.raises(CarrierError, match="colleague has hung up"):
            await at.carrier.connect(CALL, COLLEAGUE)
    assert [asked.method for asked in at.api.asked] == ["GET"]


async def test_a_message_is_left_in_twilios_voice(desk: OpenDesk) -> None:
    async with desk(DONE) as at:
        await at.carrier.leave_message(CALL, "Please call back.", "en")
    assert ElementTree.fromstring(at.api.asked[0].fields["Twiml"]).findtext("Say") == "Please call back."


async def test_keys_are_tones(desk: OpenDesk) -> None:
    async with desk() as at:
        assert at.carrier.capabilities.keys == "tones"
        with pytest.raises(CarrierError, match="tones"):
            await at.carrier.send_dtmf(CALL, "1")


# -- recordings


async def test_a_recording_is_in_stereo_and_reported(desk: OpenDesk) -> None:
    async with desk((201, {"sid": "RE1"})) as at:
        await at.carrier.start_recording(CALL, HOOKS)
    (asked,) = at.api.asked
    assert asked.path == f"/Calls/{CALL}/Recordings.json"
    assert asked.fields["RecordingChannels"] == "dual"
    assert asked.fields["RecordingStatusCallback"] == f"{HOOKS}/recording"


async def test_a_recording_is_fetched_from_the_api(desk: OpenDesk) -> None:
    async with desk((200, b"RIFF")) as at:
        ready = RecordingReady(CALL, "RE1", f"{at.url}/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1")
        assert b"".join([piece async for piece in at.carrier.fetch_recording(ready)]) == b"RIFF"
    assert at.api.asked[0].path == "/Recordings/RE1.wav"
    assert at.api.asked[0].authorization


async def test_credentials_go_nowhere_else(desk: OpenDesk) -> None:
    async with desk() as here, desk() as elsewhere:
        ready = RecordingReady(CALL, "RE1", f"{elsewhere.url}/RE1")
        with pytest.raises(CarrierError, match="another server"):
            await anext(here.carrier.fetch_recording(ready))
    assert not elsewhere.api.asked


# -- asking about calls


@pytest.mark.parametrize(
    ("said", "price"),
    [
        ({"price": None, "price_unit": "USD"}, None),
        ({}, None),
        ({"price": "-0.00850", "price_unit": "USD"}, Price(Decimal("0.00850"), "USD")),
        ({"price": -1, "price_unit": "eur"}, Price(Decimal(1), "EUR")),
        ({"price": "0", "price_unit": None}, Price(Decimal(0), "USD")),
        ({"price": "a lot"}, None),
        ({"price": "NaN"}, None),
    ],
)
async def test_a_price_is_positive_or_unknown(desk: OpenDesk, said: dict[str, Any], price: Price | None) -> None:
    async with desk((200, {"sid": CALL, "status": "completed", "duration": "61"} | said)) as at:
        assert await at.carrier.fetch_call(CALL) == CarrierCall("completed", "", 61.0, price)


@pytest.mark.parametrize(
    ("word", "status"), [("queued", "queued"), ("in-progress", "in_progress"), ("no-answer", "no_answer")]
)
async def test_a_call_as_twilio_has_it(desk: OpenDesk, word: str, status: CarrierStatus) -> None:
    async with desk((500, {}), (200, {"sid": CALL, "status": word, "duration": None})) as at:
        assert await at.carrier.fetch_call(CALL) == CarrierCall(status)


async def test_a_call_that_is_in_no_known_state_is_an_error(desk: OpenDesk) -> None:
    async with desk((200, {"sid": CALL, "status": "asleep"})) as at:
        with pytest.raises(CarrierError, match="none of queued"):
            await at.carrier.fetch_call(CALL)


# -- numbers


async def test_a_number_is_pointed_at_us(desk: OpenDesk) -> None:
    lookalike = OWNED | {"phone_number": "+112025550199"}
    async with desk((200, {"incoming_phone_numbers": [lookalike, OWNED]}), (200, OWNED)) as at:
        setup = await at.carrier.configure_number(NUMBER, HOOKS)
    looked, changed = at.api.asked
    assert setup == NumberSetup(NUMBER, changed=True, previous_url="https://old.example/")
    assert looked.query == [("PhoneNumber", NUMBER)]
    assert changed.path == f"/IncomingPhoneNumbers/{OWNED['sid']}.json"
    assert changed.fields == {
        "VoiceUrl": f"{HOOKS}/voice",
        "VoiceMethod": "POST",
        "StatusCallback": f"{HOOKS}/status",
        "StatusCallbackMethod": "POST",
    }


async def test_a_number_that_points_at_us_is_left_alone(desk: OpenDesk) -> None:
    ours = OWNED | {
        "voice_url": f"{HOOKS}/voice",
        "voice_method": "POST",
        "status_callback": f"{HOOKS}/status",
        "status_callback_method": "POST",
    }
    async with desk((200, {"incoming_phone_numbers": [ours]})) as at:
        setup = await at.carrier.configure_number(NUMBER, HOOKS)
    assert setup == NumberSetup(NUMBER, changed=False, previous_url=f"{HOOKS}/voice")
    assert len(at.api.asked) == 1


@pytest.mark.parametrize("numbers", [[], None, ["odd"], [{"phone_number": "+15550000000"}]])
async def test_a_number_of_another_account_is_an_error(desk: OpenDesk, numbers: Any) -> None:
    async with desk((200, {"incoming_phone_numbers": numbers, "page": 0})) as at:
        with pytest.raises(CarrierError, match=r"no number that ends in 0199\."):
            await at.carrier.configure_number(NUMBER, HOOKS)


async def test_a_sound_account_and_number(desk: OpenDesk) -> None:
    account = {"status": "active", "type": "Full"}
    async with desk((200, account), (200, {"incoming_phone_numbers": [OWNED]})) as at:
        findings = await at.carrier.examine(NUMBER, HOOKS)
    assert [(finding.about, finding.level) for finding in findings] == [
        ("credentials", "ok"),
        ("account", "ok"),
        ("number", "ok"),
        ("webhook", "warning"),
    ]
    assert {asked.method for asked in at.api.asked} == {"GET"}
    assert at.api.asked[0].path == ".json"


async def test_wrong_credentials_are_found(desk: OpenDesk, refusal: Refusal) -> None:
    async with desk(refusal(401, "20003")) as at:
        (finding,) = await at.carrier.examine(NUMBER, HOOKS)
    assert (finding.about, finding.level) == ("credentials", "error")
    assert "TWILIO_AUTH_TOKEN" in finding.next_step


async def test_a_number_that_is_not_the_accounts_is_found(desk: OpenDesk) -> None:
    async with desk((200, {"status": "active"}), (200, {"incoming_phone_numbers": [], "page": 0})) as at:
        findings = await at.carrier.examine(NUMBER, HOOKS)
    assert (findings[-1].about, findings[-1].level) == ("number", "error")


# -- what comes in


async def test_an_incoming_call_is_answered_or_turned_away(desk: OpenDesk) -> None:
    call = InboundCall(CALL, "+12025550150", NUMBER)
    async with desk() as at:
        answer, rejection = at.carrier.answer(call, STREAM, HOOKS), at.carrier.reject(call, "busy")
    assert answer.command is None
    assert answer.response.content_type == "text/xml"
    assert ElementTree.fromstring(answer.response.body)[0][0].attrib["url"] == STREAM.url
    assert ElementTree.fromstring(rejection.response.body)[0].tag == "Reject"


async def test_what_is_not_signed_is_refused(desk: OpenDesk) -> None:
    async with desk() as at:
        with pytest.raises(InvalidSignature):
            at.carrier.verify(WebhookRequest("POST", f"{HOOKS}/status", {}, b"", "status"))
        with pytest.raises(InvalidSignature):
            at.carrier.verify_stream(WebhookRequest("GET", STREAM.url, {}, b"", "stream"))
