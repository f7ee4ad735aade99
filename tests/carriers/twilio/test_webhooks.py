from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.base import (
    CallRenamed,
    CarrierEvent,
    CarrierStatus,
    ColleagueReady,
    InboundCall,
    MachineDetection,
    RecordingReady,
    StatusChanged,
    StreamFailed,
    WebhookRequest,
)
from getpatter.carriers.twilio.webhooks import METHODS, accepted, parse
from getpatter.errors import CarrierError

CALL = "CA" + "c" * 32
RECORDING = "RE" + "e" * 32
COMMON = {"CallSid": CALL, "AccountSid": "AC" + "a" * 32, "ApiVersion": "2010-04-01"}
URL = "https://patter.example/webhooks/twilio"


def post(kind: str, signature: str = "", **form: str) -> WebhookRequest:
    body = urlencode(COMMON | form).encode()
    return WebhookRequest("POST", f"{URL}/{kind}", {"x-twilio-signature": signature}, body, kind)


def events(kind: str, **form: str) -> Sequence[CarrierEvent]:
    return parse(post(kind, **form)).events


# -- voice


def test_somebody_rings() -> None:
    form = {"From": "+12025550150", "To": "+12025550199", "CallStatus": "ringing", "Direction": "inbound"}
    assert events("voice", **form) == (InboundCall(CALL, "+12025550150", "+12025550199"),)


def test_somebody_rings_by_get() -> None:
    query = urlencode(COMMON | {"From": "+12025550150", "To": "+12025550199"})
    request = WebhookRequest("GET", f"{URL}/voice?{query}", {}, b"", "voice")
    assert parse(request).events == (InboundCall(CALL, "+12025550150", "+12025550199"),)


def test_whoever_withholds_their_number_is_anonymous() -> None:
    assert events("voice", From="", To="+12025550199") == (InboundCall(CALL, "anonymous", "+12025550199"),)


@pytest.mark.parametrize("address", ["x" * 257, "+1\n2", "\x00"])
def test_an_address_is_one_line_and_short(address: str) -> None:
    with pytest.raises(CarrierError, match="From is no telephone number"):
        events("voice", From=address, To="+12025550199")


# -- status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("queued", "queued"),
        ("initiated", "queued"),
        ("ringing", "ringing"),
        ("in-progress", "in_progress"),
        ("completed", "completed"),
        ("busy", "busy"),
        ("no-answer", "no_answer"),
        ("failed", "failed"),
        ("canceled", "canceled"),
    ],
)
def test_a_calls_progress(word: str, status: CarrierStatus) -> None:
    assert events("status", CallStatus=word, SequenceNumber="2") == (StatusChanged(CALL, status, 2),)


def test_a_call_that_we_placed_is_told_by_our_name_too() -> None:
    ringing = post("status", CallStatus="ringing", SequenceNumber="1")
    named = replace(ringing, url=f"{URL}/status?call=call_1")
    assert parse(named).events == (CallRenamed("call_1", CALL), StatusChanged(CALL, "ringing", 1))


def test_a_number_reports_without_sequence() -> None:
    assert events("status", CallStatus="completed") == (StatusChanged(CALL, "completed"),)


def test_the_cause_is_told_where_nobody_talked() -> None:
    (busy,) = events("status", CallStatus="busy", SequenceNumber="3", SipResponseCode="486")
    assert busy == StatusChanged(CALL, "busy", 3, "SIP 486: the line is busy")
    (done,) = events("status", CallStatus="completed", SequenceNumber="3", SipResponseCode="487")
    assert done == StatusChanged(CALL, "completed", 3)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"CallStatus": "asleep"},
        {"CallStatus": "busy", "SequenceNumber": "four"},
        {"CallStatus": "busy", "SequenceNumber": "²"},
        {"CallStatus": "busy", "SequenceNumber": "1" * 10},
        {"CallStatus": "busy", "CallSid": "../CA"},
    ],
)
def test_a_status_that_cannot_be_is_refused(form: dict[str, str]) -> None:
    with pytest.raises(CarrierError):
        events("status", **form)


# -- who answered


@pytest.mark.parametrize(
    ("word", "classification", "ended"),
    [
        ("human", "human", False),
        ("fax", "fax", False),
        ("unknown", "unknown", False),
        ("machine_start", "machine", False),
        ("machine_end_beep", "machine", True),
        ("machine_end_silence", "machine", True),
        ("machine_end_other", "machine", True),
        ("something_new", "unknown", False),
    ],
)
def test_who_took_the_call(word: str, classification: str, ended: bool) -> None:
    (found,) = events("amd", AnsweredBy=word, MachineDetectionDuration="2940")
    assert isinstance(found, MachineDetection)
    assert (found.carrier_call_id, found.classification, found.greeting_ended, found.raw) == (
        CALL,
        classification,
        ended,
        word,
    )


# -- recordings, conferences, streams


def recording(**form: str) -> Sequence[CarrierEvent]:
    url = f"https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/{RECORDING}"
    return events(
        "recording", **({"RecordingSid": RECORDING, "RecordingUrl": url, "RecordingStatus": "completed"} | form)
    )


def test_a_recording_is_ready() -> None:
    (ready,) = recording(RecordingDuration="12", RecordingChannels="2")
    assert ready == RecordingReady(
        CALL, RECORDING, f"https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/{RECORDING}", 12.0
    )


def test_how_long_a_recording_is_may_be_unknown() -> None:
    (ready,) = recording(RecordingDuration="-1")
    assert isinstance(ready, RecordingReady)
    assert ready.duration_s is None


@pytest.mark.parametrize("status", ["in-progress", "absent", "failed"])
def test_other_news_of_a_recording_say_nothing(status: str) -> None:
    assert recording(RecordingStatus=status) == ()


@pytest.mark.parametrize("form", [{"RecordingSid": "x"}, {"RecordingUrl": ""}, {"RecordingDuration": "-2"}])
def test_a_recording_that_cannot_be_is_refused(form: dict[str, str]) -> None:
    with pytest.raises(CarrierError):
        recording(**form)


def test_a_colleague_waits() -> None:
    form = {"ConferenceSid": "CF1", "StatusCallbackEvent": "participant-join", "ParticipantLabel": "colleague"}
    assert events("conference", **form) == (ColleagueReady(CALL),)


@pytest.mark.parametrize(("event", "label"), [("participant-join", "caller"), ("participant-leave", "colleague")])
def test_the_caller_who_comes_and_whoever_leaves_are_no_colleague_who_waits(event: str, label: str) -> None:
    assert events("conference", StatusCallbackEvent=event, ParticipantLabel=label) == ()


def test_whoever_presses_a_key_takes_the_call() -> None:
    assert [accepted(post("accept", Digits=key)) for key in ("5", "#", "*")] == [CALL] * 3
    assert [accepted(post("accept")), accepted(post("accept", Digits=""))] == ["", ""]
    assert events("accept", Digits="5") == ()


def test_a_key_of_nobodys_call_cannot_be_read() -> None:
    with pytest.raises(CarrierError, match="CallSid"):
        parse(post("accept", CallSid="../Accounts", Digits="5"))


def test_what_is_answered_by_a_document_gets_it_again() -> None:
    assert [parse(post(kind, "one", From="+1", To="+1")).delivery_id for kind in ("voice", "accept")] == ["", ""]


def test_a_stream_failed() -> None:
    form = {"StreamSid": "MZ1", "StreamEvent": "stream-error", "StreamError": "31920 - handshake"}
    assert events("stream", **form) == (StreamFailed(CALL, "31920 - handshake"),)
    assert events("stream", StreamEvent="stream-error") == (StreamFailed(CALL, "Twilio did not say why"),)


@pytest.mark.parametrize("event", ["stream-started", "stream-stopped"])
def test_other_news_of_a_stream_say_nothing(event: str) -> None:
    assert events("stream", StreamEvent=event) == ()


# -- all of them


def test_deliveries_of_one_message_are_known_by_their_signature() -> None:
    first, again = (parse(post("status", "one", CallStatus="ringing")) for _ in range(2))
    other = parse(post("status", "other", CallStatus="ringing"))
    assert first.delivery_id == again.delivery_id != other.delivery_id
    assert "one" not in first.delivery_id
    assert parse(post("status", CallStatus="ringing")).delivery_id == ""


def test_a_ringing_call_is_answered_each_time_it_is_asked_about() -> None:
    assert parse(post("voice", "one", From="+12025550150", To="+12025550199")).delivery_id == ""


def test_the_response_is_empty() -> None:
    assert parse(post("status", CallStatus="ringing")).response.status == 204


@pytest.mark.parametrize("body", [b"\xff", b"CallSid=%ff", b"&".join([b"a=1"] * 1001)])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(CarrierError, match="no form"):
        parse(WebhookRequest("POST", f"{URL}/status", {}, body, "status"))


def test_there_are_no_other_webhooks() -> None:
    with pytest.raises(CarrierError, match="none of Twilio's webhooks"):
        parse(post("fax"))


# fmt: off
NAMES = (
    "CallSid", "CallStatus", "From", "To", "SequenceNumber", "AnsweredBy", "RecordingStatus", "RecordingSid",
    "RecordingUrl", "RecordingDuration", "StatusCallbackEvent", "StreamEvent", "SipResponseCode", "ErrorCode",
)
# fmt: on
names = st.sampled_from(NAMES)
values = st.text(max_size=40) | st.sampled_from([CALL, RECORDING, "completed", "failed", "participant-join", "٣"])
forms = st.dictionaries(names | st.text(max_size=8), values, max_size=12).map(
    lambda form: urlencode(form, errors="replace")
)


@given(kind=st.sampled_from([*METHODS, "", "other"]), body=forms.map(str.encode) | st.binary(max_size=200))
def test_garbage_is_refused_and_breaks_nothing(kind: str, body: bytes) -> None:
    for request in (
        WebhookRequest("POST", f"{URL}/{kind}", {}, body, kind),
        WebhookRequest("GET", f"{URL}/{kind}?{body.decode('latin-1')}", {}, b"", kind),
    ):
        try:
            parse(request)
        except CarrierError:
            continue
