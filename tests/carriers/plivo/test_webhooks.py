from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.base import (
    CallRenamed,
    ColleagueReady,
    InboundCall,
    MachineDetection,
    RecordingReady,
    StatusChanged,
    StreamFailed,
    WebhookRequest,
)
from getpatter.carriers.plivo.webhooks import KINDS, events_of, is_key_pressed
from getpatter.errors import CarrierError

URL = "https://voice.example.com/webhooks/plivo"
CALL = "57a1b60a-5c0b-11e7-9082-ef888d0400e9"
REQUEST = "9834029e-58b6-11e1-b8b7-a5bd0e4e126f"

INBOUND = {
    "CallUUID": CALL,
    "From": "14155550123",
    "To": "14155550100",
    "CallStatus": "ringing",
    "Direction": "inbound",
    "Event": "StartApp",
}
OUTBOUND = INBOUND | {"Direction": "outbound", "RequestUUID": REQUEST, "ALegUUID": CALL}
HANGUP = OUTBOUND | {
    "Event": "Hangup",
    "CallStatus": "completed",
    "HangupCause": "NORMAL_CLEARING",
    "HangupCauseCode": "4000",
    "HangupCauseName": "Normal Hangup",
    "HangupSource": "Callee",
    "Duration": "12",
    "TotalCost": "0.00850",
}


def request(kind: str, fields: Mapping[str, str], method: str = "POST") -> WebhookRequest:
    form = urlencode(fields)
    if method == "GET":
        return WebhookRequest("GET", f"{URL}/{kind}?{form}", {}, b"", kind)
    return WebhookRequest("POST", f"{URL}/{kind}", {}, form.encode(), kind)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_call_comes_in_with_its_numbers_in_e164(method: str) -> None:
    call = InboundCall(CALL, "+14155550123", "+14155550100")
    assert events_of("voice", request("voice", INBOUND, method)) == [call]


@pytest.mark.parametrize("caller", ["anonymous", "sip:ann@example.com", ""])
def test_a_caller_without_a_number_stays_what_plivo_calls_them(caller: str) -> None:
    call = InboundCall(CALL, caller, "+14155550100")
    assert events_of("voice", request("voice", INBOUND | {"From": caller})) == [call]


def test_ringing_names_the_call() -> None:
    ringing = OUTBOUND | {"Event": "Ring"}
    assert events_of("ring", request("ring", ringing)) == [CallRenamed(REQUEST, CALL), StatusChanged(CALL, "ringing")]


def test_a_call_that_has_no_name_of_its_own_yet_goes_by_the_requests() -> None:
    ringing = {name: value for name, value in OUTBOUND.items() if name != "CallUUID"}
    assert events_of("ring", request("ring", ringing)) == [StatusChanged(REQUEST, "ringing")]


def test_a_call_whose_name_is_the_requests_is_not_renamed() -> None:
    assert events_of("ring", request("ring", OUTBOUND | {"RequestUUID": CALL})) == [StatusChanged(CALL, "ringing")]


@pytest.mark.parametrize("kind", ["ring", "status", "amd"])
def test_a_call_that_we_placed_is_told_by_our_name_first(kind: str) -> None:
    told = request(kind, HANGUP | {"Machine": "true"})
    renamed = events_of(kind, replace(told, url=f"{told.url}?call=call_1"))[:2]
    assert renamed == [CallRenamed("call_1", CALL), CallRenamed(REQUEST, CALL)]


def test_the_end_comes_with_its_cause() -> None:
    end = StatusChanged(CALL, "completed", cause="Normal Hangup")
    assert events_of("status", request("status", HANGUP)) == [CallRenamed(REQUEST, CALL), end]


def test_a_failure_that_was_a_busy_line_is_told_as_one() -> None:
    busy = {"CallStatus": "failed", "HangupCauseCode": "3010", "HangupCause": "USER_BUSY", "HangupCauseName": ""}
    assert events_of("status", request("status", HANGUP | busy))[1] == StatusChanged(CALL, "busy", cause="USER_BUSY")


@pytest.mark.parametrize(
    ("said", "classification"),
    [("true", "machine"), ("True", "machine"), ("false", "human"), ("False", "human"), ("maybe", "unknown")],
)
def test_a_machine_is_told_and_never_that_its_greeting_is_over(said: str, classification: str) -> None:
    fields = INBOUND | {"Machine": said, "Event": "MachineDetection", "CallStatus": "in-progress"}
    detected = MachineDetection(CALL, classification, False, said)  # type: ignore[arg-type]  # by name
    assert events_of("amd", request("amd", fields)) == [detected]


def test_a_recording_can_be_fetched() -> None:
    fields = {
        "api_id": "c7b69074-58be-11e1-86da-adf28403fe48",
        "call_uuid": CALL,
        "recording_id": "48dfaf60-3b2a-11e3",
        "record_url": "https://media.plivo.com/v1/48dfaf60-3b2a-11e3.wav",
        "recording_duration": "12",
        "recording_duration_ms": "12340.00000",
    }
    ready = RecordingReady(CALL, fields["recording_id"], fields["record_url"], 12.34)
    assert events_of("recording", request("recording", fields)) == [ready]
    inside = {"response": json.dumps(fields | {"recording_duration_ms": 12340})}
    assert events_of("recording", request("recording", inside)) == [ready]
    unknown = fields | {"recording_duration": "-1", "recording_duration_ms": "soon"}
    (without,) = events_of("recording", request("recording", unknown))
    assert without == RecordingReady(CALL, fields["recording_id"], fields["record_url"], None)


@pytest.mark.parametrize("event", ["DroppedStream", "failed"])
def test_a_stream_that_was_lost_is_a_failure(event: str) -> None:
    fields = {"CallUUID": CALL, "StreamID": "s", "Event": event, "Error": "connection refused"}
    assert events_of("stream", request("stream", fields)) == [StreamFailed(CALL, "connection refused")]
    assert events_of("stream", request("stream", fields | {"Error": ""})) == [StreamFailed(CALL, event)]


@pytest.mark.parametrize("event", ["StartStream", "StopStream", "DegradedStream", "started", "stopped"])
def test_a_stream_that_goes_its_way_says_nothing(event: str) -> None:
    assert events_of("stream", request("stream", {"CallUUID": CALL, "Event": event})) == []


def test_a_colleague_who_enters_the_room_is_ready() -> None:
    fields = {"CallUUID": CALL, "ConferenceAction": "enter", "ConferenceName": "patter-1", "Event": "ConferenceEnter"}
    assert events_of("conference", request("conference", fields)) == [ColleagueReady(CALL)]
    assert events_of("conference", request("conference", fields | {"ConferenceAction": "exit"})) == []


def test_a_document_is_fetched_by_a_call_that_was_answered() -> None:
    answered = OUTBOUND | {"CallStatus": "in-progress"}
    events = [CallRenamed(REQUEST, CALL), StatusChanged(CALL, "in_progress")]
    assert events_of("document/{key}", request("document/{key}", answered)) == events


def test_whoever_presses_a_key_takes_the_call() -> None:
    asked = OUTBOUND | {"CallStatus": "in-progress", "InputType": "dtmf"}
    pressed = [is_key_pressed(request("accept/{key}", asked | {"Digits": key})) for key in ("5", "#", "")]
    assert pressed == [True, True, False]
    assert not is_key_pressed(request("accept/{key}", asked))
    events = [CallRenamed(REQUEST, CALL), StatusChanged(CALL, "in_progress")]
    assert events_of("accept/{key}", request("accept/{key}", asked)) == events


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("voice", {"From": "1", "To": "2"}, "no CallUUID"),
        ("voice", {"CallUUID": CALL}, "no To"),
        ("voice", INBOUND | {"CallUUID": "../Account"}, "not a name that Plivo gives"),
        ("status", {}, "no RequestUUID"),
        ("status", {"CallUUID": CALL}, "no CallStatus"),
        ("status", {"CallUUID": CALL, "CallStatus": "asleep"}, "CallStatus is not one of"),
        ("status", {"CallUUID": CALL, "RequestUUID": "a b"}, "RequestUUID is not a name"),
        ("amd", {"CallUUID": CALL}, "no Machine"),
        ("recording", {"call_uuid": CALL}, "no record_url"),
        ("recording", {"response": "soon"}, "no JSON object"),
        ("stream", {"CallUUID": CALL}, "no Event"),
    ],
)
def test_a_malformed_webhook_is_refused_with_what_is_wrong(kind: str, fields: dict[str, str], says: str) -> None:
    with pytest.raises(CarrierError, match=says):
        events_of(kind, request(kind, fields))


@pytest.mark.parametrize("body", [b"\xff", b"a=%ff", b"&".join([b"a=1"] * 1001)])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(CarrierError, match="no form"):
        events_of("status", WebhookRequest("POST", URL, {}, body))


@given(kind=st.sampled_from(KINDS), body=st.binary(max_size=300))
def test_noise_is_an_error_of_the_carriers_and_nothing_else(kind: str, body: bytes) -> None:
    with suppress(CarrierError):
        events_of(kind, WebhookRequest("POST", URL, {}, body, kind))


@given(
    kind=st.sampled_from(KINDS),
    method=st.sampled_from(["GET", "POST"]),
    fields=st.dictionaries(
        st.sampled_from(sorted({*HANGUP, "Machine", "response", "call_uuid", "record_url", "recording_id"})),
        st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from([CALL, "true", "{}", "enter", "busy"]),
    ),
)
def test_strange_fields_are_an_error_of_the_carriers_and_nothing_else(
    kind: str, method: str, fields: dict[str, str]
) -> None:
    with suppress(CarrierError):
        events_of(kind, request(kind, fields, method))
