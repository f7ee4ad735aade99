from __future__ import annotations

import pytest

from getpatter.errors import CarrierError
from getpatter.testing.answer_document import ConnectStream, DialNumber, RejectCall, connect, dial_number, parse, reject


def test_a_document_connects_a_stream_with_its_parameters() -> None:
    parameters = {"token": "a&b<c>\"d'", "empty": "", "ü": "ß"}
    assert parse(connect("wss://x.example/ws?a=1&b=2", parameters)) == ConnectStream(
        "wss://x.example/ws?a=1&b=2", parameters
    )


def test_a_document_has_the_shape_of_twiml() -> None:
    document = connect("wss://x.example/ws", {"token": "t"}).decode()
    body = '<Response><Connect><Stream url="wss://x.example/ws"><Parameter name="token" value="t" />'
    assert document.endswith(body + "</Stream></Connect></Response>")


def test_a_document_connects_a_call_in_progress_with_somebody_else() -> None:
    document = dial_number("+12025550150", 12.4)
    assert document.endswith(
        b'<Dial timeout="12" answerOnBridge="true"><Number>+12025550150</Number></Dial></Response>'
    )
    assert parse(document) == DialNumber("+12025550150", 12)


@pytest.mark.parametrize("reason", ["busy", "rejected"])
def test_a_document_turns_a_call_away(reason: str) -> None:
    assert parse(reject(reason)) == RejectCall(reason)


def test_a_rejection_without_a_reason_is_one() -> None:
    assert parse(b"<Response><Reject/></Response>") == RejectCall("rejected")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"no xml",
        b"<Response/>",
        b"<Response><Connect><Stream/></Connect></Response>",
        b"<Response><Dial/></Response>",
        b"<Response>" + b" " * 65536,
    ],
)
def test_any_other_document_is_an_error(document: bytes) -> None:
    with pytest.raises(CarrierError, match="answer document"):
        parse(document)
