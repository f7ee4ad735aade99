from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from getpatter.carriers.base import (
    Carrier,
    InboundCall,
    MachineDetection,
    StatusChanged,
    StreamStarted,
    StreamTarget,
    WebhookRequest,
)
from getpatter.errors import CarrierError, ConfigurationError, InvalidSignature
from getpatter.testing.answer_document import read
from getpatter.testing.carrier import SimCarrier
from getpatter.testing.signing import SIGNATURE_HEADER, sign, sim_secret
from getpatter.testing.twilio_line import TwilioLineCodec
from getpatter.testing.verbs import ConnectStream, RejectCall

if TYPE_CHECKING:
    from tests.testing.conftest import FakeEngine

URL = "http://127.0.0.1:8080/webhooks/sim/status"
MINE = """
number: "+12025550150"
name: My phone
ring_s: 0
steps:
  - say: Hello?
  - hang_up
"""


@pytest.fixture
async def carrier(tmp_path: Path) -> AsyncIterator[SimCarrier]:
    (tmp_path / "parties").mkdir()
    (tmp_path / "parties" / "mine.yaml").write_text(MINE, "utf-8")
    carrier = SimCarrier.at_home(tmp_path)
    yield carrier
    await carrier.close()


def webhook(fields: dict[str, str] | list[tuple[str, str]]) -> WebhookRequest:
    return WebhookRequest("POST", URL, {}, urlencode(fields).encode())


def test_it_is_a_carrier(carrier: SimCarrier) -> None:
    seen: Carrier = carrier
    assert seen.name == "sim"


async def test_a_call_is_dialled_and_its_callbacks_verified_and_parsed(carrier: SimCarrier, engine: FakeEngine) -> None:
    dialed = await carrier.dial(engine.dial_request("+12025550150"))
    assert dialed.expected_phrases == ("Hello?",)
    call = carrier.network.find(dialed.carrier_call_id)
    assert call is not None
    await call.ended.wait()
    for request in engine.webhooks:
        carrier.verify(request)
    events = [event for request in engine.webhooks for event in carrier.parse(request).events]
    statuses = [event for event in events if isinstance(event, StatusChanged)]
    assert [event.status for event in statuses] == ["queued", "ringing", "in_progress", "completed"]
    assert [event.sequence for event in statuses] == [0, 1, 2, 3]
    assert MachineDetection(dialed.carrier_call_id, "human", False, "human") in events


async def test_hanging_up_a_call_that_is_over_is_no_error(carrier: SimCarrier) -> None:
    await carrier.hang_up("CA0")


def test_a_ringing_call_brings_the_phrases_that_may_be_heard(carrier: SimCarrier) -> None:
    fields = [("CallSid", "CA1"), ("From", "+12025550107"), ("To", "+12025550199"), ("CallStatus", "ringing")]
    phrases = [("ExpectedPhrase", "Hello?"), ("ExpectedPhrase", "Goodbye.")]
    assert carrier.parse(webhook(fields + phrases)).events == [
        InboundCall("CA1", "+12025550107", "+12025550199", ("Hello?", "Goodbye."))
    ]


@pytest.mark.parametrize(
    ("answered_by", "classification", "greeting_ended"),
    [
        ("human", "human", False),
        ("machine_start", "machine", False),
        ("machine_end_beep", "machine", True),
        ("machine_end_silence", "machine", True),
        ("fax", "fax", False),
        ("unknown", "unknown", False),
        ("something_new", "unknown", False),
    ],
)
def test_machine_detection(carrier: SimCarrier, answered_by: str, classification: str, greeting_ended: bool) -> None:
    [event] = carrier.parse(webhook({"CallSid": "CA1", "AnsweredBy": answered_by})).events
    assert isinstance(event, MachineDetection)
    assert (event.classification, event.greeting_ended) == (classification, greeting_ended)


def test_the_reason_of_a_failure_is_passed_on(carrier: SimCarrier) -> None:
    fields = {"CallSid": "CA1", "CallStatus": "completed", "SequenceNumber": "3", "ErrorMessage": "no stream"}
    assert carrier.parse(webhook(fields)).events == [StatusChanged("CA1", "completed", 3, "no stream")]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"CallSid": "CA1"},
        {"CallSid": "", "CallStatus": "ringing"},
        {"CallSid": "CA1", "CallStatus": "dancing", "SequenceNumber": "1"},
        {"CallSid": "CA1", "CallStatus": "ringing", "SequenceNumber": "-1"},
        {"CallSid": "CA1", "CallStatus": "ringing", "SequenceNumber": "²"},
        {"CallSid": "CA1", "CallStatus": "ringing", "From": "+12025550107"},
    ],
)
def test_a_malformed_webhook_is_an_error_that_names_the_field(carrier: SimCarrier, fields: dict[str, str]) -> None:
    with pytest.raises(CarrierError, match=r"CallSid|CallStatus|SequenceNumber|To"):
        carrier.parse(webhook(fields))


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join([b"a=b"] * 2000)])
def test_a_body_that_is_no_form_is_an_error(carrier: SimCarrier, body: bytes) -> None:
    request = WebhookRequest("POST", URL, {}, body)
    for method in (carrier.parse, carrier.verify):
        with pytest.raises(CarrierError, match="no form"):
            method(request)


def test_only_this_homes_network_can_sign(carrier: SimCarrier, tmp_path: Path) -> None:
    fields = [("CallSid", "CA1"), ("From", "")]
    body = urlencode(fields).encode()
    signature = sign(sim_secret(tmp_path), URL, fields)
    carrier.verify(WebhookRequest("POST", URL, {SIGNATURE_HEADER: signature}, body))
    forged = sign(b"guess", URL, fields)
    for url, headers in ((URL, {}), (URL, {SIGNATURE_HEADER: forged}), (URL + "x", {SIGNATURE_HEADER: signature})):
        with pytest.raises(InvalidSignature):
            carrier.verify(WebhookRequest("POST", url, headers, body))


def test_answers_are_documents(carrier: SimCarrier) -> None:
    call = InboundCall("CA1", "+12025550150", "+12025550199")
    stream = StreamTarget("ws://127.0.0.1:8080/ws/sim/stream/c1", {"token": "t"})
    answer = carrier.answer(call, stream, "http://127.0.0.1:8080/webhooks/sim").response
    assert answer.content_type == "text/xml"
    assert read(answer.body) == [ConnectStream("ws://127.0.0.1:8080/ws/sim/stream/c1", {"token": "t"})]
    assert read(carrier.reject(call, "busy").response.body) == [RejectCall("busy")]
    assert read(carrier.reject(call, "rejected").response.body) == [RejectCall("rejected")]


def test_its_codec_is_that_of_the_protocol_its_far_ends_speak(carrier: SimCarrier) -> None:
    codec = carrier.media_codec()
    line = TwilioLineCodec("MZ1", "CA1")
    assert codec.decode(line.connected()) is None
    assert codec.decode(line.start()) == StreamStarted("MZ1", "CA1", {})


def test_a_party_file_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "parties").mkdir()
    (tmp_path / "parties" / "bad.yaml").write_text("number: 1\n", "utf-8")
    with pytest.raises(ConfigurationError, match=r"bad\.yaml"):
        SimCarrier.at_home(tmp_path)
