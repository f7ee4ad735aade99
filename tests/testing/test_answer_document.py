from __future__ import annotations

import pytest

from getpatter.errors import CarrierError
from getpatter.testing.answer_document import connect, dial_number, read, reject
from getpatter.testing.verbs import (
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
    Verb,
    Wait,
)


def test_a_document_connects_a_stream_with_its_parameters() -> None:
    parameters = {"token": "a&b<c>\"d'", "empty": "", "ü": "ß"}
    assert read(connect("wss://x.example/ws?a=1&b=2", parameters)) == [
        ConnectStream("wss://x.example/ws?a=1&b=2", parameters)
    ]


def test_a_document_has_the_shape_of_twiml() -> None:
    document = connect("wss://x.example/ws", {"token": "t"}).decode()
    body = '<Response><Connect><Stream url="wss://x.example/ws"><Parameter name="token" value="t" />'
    assert document.endswith(body + "</Stream></Connect></Response>")


def test_a_document_connects_a_call_in_progress_with_somebody_else() -> None:
    document = dial_number("+12025550150", 12.4)
    assert document.endswith(
        b'<Dial timeout="12" answerOnBridge="true"><Number>+12025550150</Number></Dial></Response>'
    )
    assert read(document) == [DialNumber("+12025550150", 12)]


@pytest.mark.parametrize("reason", ["busy", "rejected"])
def test_a_document_turns_a_call_away(reason: str) -> None:
    assert read(reject(reason)) == [RejectCall(reason)]


@pytest.mark.parametrize(
    ("body", "verbs"),
    [
        ("<Reject/>", [RejectCall("rejected")]),
        ("", []),
        ("<Say language='de-DE'>Auf <emphasis>Wieder</emphasis>hören.</Say><Hangup/>", ["Auf Wiederhören.", None]),
        (
            "<Gather input='dtmf' numDigits='1' finishOnKey='' timeout='10' action='http://x/key'><Say>One.</Say>"
            "<Say>Two.</Say></Gather>",
            [GatherKey(("One.", "Two."), 10, then=Hook("http://x/key"))],
        ),
        ("<Play digits='ww12#'/>", [PressKeys("ww12#")]),
        ("<Pause length='3'/><Pause/>", [Wait(3), Wait(1)]),
        ("<Redirect method='GET'>http://x/y?a=1&amp;b=2</Redirect>", [GoTo(Hook("http://x/y?a=1&b=2", "GET"))]),
        ("<Dial callerId='+1' action='http://x/after'>+2</Dial>", [DialNumber("+2", 30, "+1", Hook("http://x/after"))]),
        (
            "<Dial><Conference startConferenceOnEnter='false' endConferenceOnExit='true' statusCallback='http://x/c' "
            "statusCallbackEvent='join leave'>room</Conference></Dial>",
            [JoinRoom("room", False, True, Hook("http://x/c"), frozenset({"join", "leave"}))],
        ),
        (
            "<Connect><Stream url='wss://x/s' name='n' statusCallback='http://x/s' statusCallbackMethod='GET'/>"
            "</Connect>",
            [ConnectStream("wss://x/s", {}, "n", Hook("http://x/s", "GET"))],
        ),
    ],
)
def test_verbs_are_read_in_their_order(body: str, verbs: list[Verb | str | None]) -> None:
    """Words stand for `SayText`, nothing for `HangUpCall`."""
    expected = [SayText(v) if isinstance(v, str) else HangUpCall() if v is None else v for v in verbs]
    assert read(f"<Response>{body}</Response>".encode()) == expected


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"no xml",
        b"<Answer/>",
        b"<Response><Record/></Response>",
        b"<Response><Connect><Stream/></Connect></Response>",
        b"<Response><Connect><Stream url='wss://x' speed='2'/></Connect></Response>",
        b"<Response><Connect/></Response>",
        b"<Response><Dial/></Response>",
        b"<Response><Dial><Sip>sip:a@b</Sip></Dial></Response>",
        b"<Response><Dial><Conference/></Dial></Response>",
        b"<Response><Dial timeout='soon'>+1</Dial></Response>",
        b"<Response><Gather input='dtmf' numDigits='1' action='http://x'/></Response>",
        b"<Response><Gather input='dtmf' numDigits='2' finishOnKey='' action='http://x'/></Response>",
        b"<Response><Gather input='speech' numDigits='1' finishOnKey='' action='http://x'/></Response>",
        b"<Response><Gather input='dtmf' numDigits='1' finishOnKey=''/></Response>",
        b"<Response><Gather input='dtmf' numDigits='1' finishOnKey='' action='http://x'><Pause/></Gather></Response>",
        b"<Response><Play>http://x/music.mp3</Play></Response>",
        b"<Response><Redirect method='PUT'>http://x</Redirect></Response>",
        b"<Response>" + b" " * 65536,
    ],
)
def test_any_other_document_is_an_error(document: bytes) -> None:
    with pytest.raises(CarrierError, match="answer document"):
        read(document)
