"""Documents of Plivo's own builder are read, and what Plivo would not take or is not simulated is refused."""

from __future__ import annotations

from typing import Any

import pytest
from plivo import plivoxml

from getpatter.errors import CarrierError
from getpatter.testing.plivo_document import MAX_BYTES, in_e164, read
from getpatter.testing.verbs import (
    NOBODY,
    ConnectStream,
    DialNumber,
    GatherKey,
    GoTo,
    HangUpCall,
    Hook,
    JoinRoom,
    PressKeys,
    RejectCall,
    SayText,
    Wait,
)

URL = "wss://a.example/stream"
CONTENT = "audio/x-mulaw;rate=8000"


def built(*elements: Any) -> bytes:
    response = plivoxml.ResponseElement()
    for element in elements:
        response.add(element)
    document: str = response.to_string()
    return document.encode()


def stream(**changes: Any) -> bytes:
    named: dict[str, Any] = {"bidirectional": True, "keepCallAlive": True, "contentType": CONTENT} | changes
    return built(plivoxml.StreamElement(URL, **named))


def test_a_stream_has_what_is_to_come_back_with_it() -> None:
    status = {"statusCallbackUrl": "https://a.example/s", "statusCallbackMethod": "GET"}
    [verb] = read(stream(extraHeaders="a=1,b=2", audioTrack="inbound", **status))
    assert verb == ConnectStream(URL, {"a": "1", "b": "2"}, status=Hook("https://a.example/s", "GET"))


def test_a_number_is_dialled_with_or_without_its_plus() -> None:
    dial = plivoxml.DialElement(
        action="https://a.example/next", method="GET", timeout=20, caller_id="12025550199"
    ).add_number("12025550150")
    [verb] = read(built(dial))
    assert verb == DialNumber("+12025550150", 20.0, "+12025550199", Hook("https://a.example/next", "GET"))
    assert read(built(plivoxml.DialElement().add_number("+12025550150"))) == [DialNumber("+12025550150", 120.0)]


def test_a_conference_is_joined() -> None:
    room = plivoxml.ConferenceElement(
        "room",
        start_conference_on_enter=False,
        end_conference_on_exit=True,
        callback_url="https://a.example/c",
        callback_method="POST",
    )
    assert read(built(room, plivoxml.ConferenceElement("other"))) == [
        JoinRoom("room", opens=False, closes=True, status=Hook("https://a.example/c")),
        JoinRoom("other", opens=True, closes=False, status=NOBODY),
    ]


def test_the_rest_is_done_one_after_the_other() -> None:
    document = built(
        plivoxml.SpeakElement("Wait & see.", voice="WOMAN", language="en-GB"),
        plivoxml.DTMFElement("1W2#"),
        plivoxml.WaitElement(length=2),
        plivoxml.HangupElement(),
        plivoxml.RedirectElement("https://a.example/next", method="GET"),
    )
    assert read(document) == [
        SayText("Wait & see."),
        PressKeys("1ww2#"),
        Wait(2.0),
        HangUpCall(),
        GoTo(Hook("https://a.example/next", "GET")),
    ]


def get_input(**changes: Any) -> bytes:
    named: dict[str, Any] = {
        "action": "https://a.example/key",
        "input_type": "dtmf",
        "execution_timeout": 9,
        "num_digits": 1,
        "finish_on_key": "none",
    }
    return built(plivoxml.GetInputElement(**(named | changes)).add(plivoxml.SpeakElement("Press.")))


def test_a_key_is_asked_for() -> None:
    assert read(get_input()) == [GatherKey(("Press.",), 9.0, then=Hook("https://a.example/key"))]
    assert read(get_input(execution_timeout=None)) == [GatherKey(("Press.",), 15.0, then=Hook("https://a.example/key"))]


@pytest.mark.parametrize(("reason", "says"), [("busy", "busy"), ("rejected", "rejected"), (None, "rejected")])
def test_a_call_is_turned_away_by_a_hangup_that_comes_first(reason: str | None, says: str) -> None:
    assert read(built(plivoxml.HangupElement(reason=reason))) == [RejectCall(says)]


def test_nothing_is_to_be_done() -> None:
    assert read(built()) == []


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"", "not XML"),
        (b"<Answer/>", "no <Response>"),
        (b"<Response>" + b" " * MAX_BYTES + b"</Response>", "100000 are allowed"),
        (b"<Response><Record/></Response>", "read are Stream"),
        (stream(bidirectional=False), "bidirectional"),
        (stream(keepCallAlive=None), "keepCallAlive"),
        (stream(contentType="audio/x-l16;rate=8000"), "contentType"),
        (stream(contentType=None), "contentType"),
        (stream(streamTimeout=3), "streamTimeout"),
        (stream(extraHeaders="token=a_b"), "letters and digits"),
        (stream(extraHeaders="a"), "letters and digits"),
        (stream(extraHeaders="a=" + "1" * 511), "512 bytes"),
        (b"<Response><Dial>12025550150</Dial></Response>", "one <Number>"),
        (b"<Response><Dial><Number>home</Number></Dial></Response>", "no phone number"),
        (b"<Response><Dial><Number/></Dial></Response>", "empty <Number>"),
        (b"<Response><Dial timeout='soon'><Number>12025550150</Number></Dial></Response>", "no number"),
        (b"<Response><Dial method='PUT'><Number>12025550150</Number></Dial></Response>", "HTTP method 'PUT'"),
        (b"<Response><Conference stayAlone='true'>room</Conference></Response>", "stayAlone"),
        (b"<Response><Conference endConferenceOnExit='yes'>room</Conference></Response>", "endConferenceOnExit"),
        (b"<Response><Speak language='tlh'>Qapla'</Speak></Response>", "do not speak tlh"),
        (b"<Response><Speak>So <emphasis>what</emphasis></Speak></Response>", "elements in it"),
        (get_input(finish_on_key="#"), "more than one key"),
        (get_input(finish_on_key=None), "more than one key"),
        (get_input(num_digits=2), "more than one key"),
        (get_input(input_type="speech"), "more than one key"),
        (get_input(action=None), "no action"),
        (get_input(execution_timeout=4), "executionTimeout of 4 s"),
        (get_input(execution_timeout=61), "executionTimeout of 61 s"),
        (get_input().replace(b"Speak", b"Wait"), "else than <Speak>"),
        (b"<Response><DTMF>1x</DTMF></Response>", "no key"),
        (b"<Response><Hangup reason='tired'/></Response>", "neither busy nor rejected"),
        (b"<Response><Wait silence='true'/></Response>", "silence"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(document: bytes, says: str) -> None:
    with pytest.raises(CarrierError, match=says):
        read(document)


@pytest.mark.parametrize("number", ["", "+", "0123456", "sip:ann@example.com", "1" * 16])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(CarrierError, match="no phone number"):
        in_e164(number)
