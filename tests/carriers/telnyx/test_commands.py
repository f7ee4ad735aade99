from __future__ import annotations

import pytest

from getpatter.carriers.base import ConsultRequest, DialRequest, StreamTarget
from getpatter.carriers.invitation import invitation
from getpatter.carriers.telnyx import client_state, commands, legs
from getpatter.errors import CarrierError

WEBHOOKS = "https://agent.example/webhooks/telnyx"
STREAM = StreamTarget("wss://agent.example/ws/telnyx/stream/call_1", {"token": "once"})


def request(ring_timeout_s: float = 25.0, max_duration_s: float = 600.0, machine_detection: bool = True) -> DialRequest:
    return DialRequest(
        call_id="call_1",
        to_number="+13125550100",
        from_number="+12025550199",
        stream=STREAM,
        webhooks_url=WEBHOOKS,
        ring_timeout_s=ring_timeout_s,
        max_duration_s=max_duration_s,
        machine_detection=machine_detection,
    )


def test_a_call_brings_its_stream_along() -> None:
    assert commands.dial(request(), "app", "greeting_end") == {
        "connection_id": "app",
        "to": "+13125550100",
        "from": "+12025550199",
        "timeout_secs": 25,
        "time_limit_secs": 600,
        "stream_url": "wss://agent.example/ws/telnyx/stream/call_1",
        "stream_track": "inbound_track",
        "stream_codec": "PCMU",
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": "PCMU",
        "stream_bidirectional_target_legs": "self",
        "client_state": legs.placed("call_1", {"token": "once"}),
        "webhook_url": f"{WEBHOOKS}/voice",
        "webhook_url_method": "POST",
        "answering_machine_detection": "greeting_end",
        "answering_machine_detection_config": {"greeting_total_analysis_time_millis": 30_000},
    }


def test_of_a_call_that_came_in_the_state_is_its_streams_parameters() -> None:
    assert commands.answer(STREAM, WEBHOOKS)["client_state"] == client_state.encode({"token": "once"})


def test_machines_are_told_only_when_asked() -> None:
    body = commands.dial(request(machine_detection=False), "app", "premium")
    assert not [name for name in body if name.startswith("answering_machine")]


@pytest.mark.parametrize(
    ("asked", "ring", "limit"), [(0.1, 5, 30), (24.2, 25, 30), (599.5, 600, 600), (1e6, 600, 14_400)]
)
def test_times_are_whole_seconds_within_telnyxs_bounds(asked: float, ring: int, limit: int) -> None:
    body = commands.dial(request(ring_timeout_s=asked, max_duration_s=asked), "app", "premium")
    assert (body["timeout_secs"], body["time_limit_secs"]) == (ring, limit)


def test_a_call_is_rejected_for_a_reason() -> None:
    assert commands.reject("busy") == {"cause": "USER_BUSY"}
    assert commands.reject("rejected") == {"cause": "CALL_REJECTED"}


def test_a_colleague_is_called_without_a_stream_and_without_the_words() -> None:
    asked = ConsultRequest(
        carrier_call_id="v3:caller",
        to_number="+13125550100",
        from_number="+12025550199",
        summary="Mrs Smith wants a refund.",
        language="en-US",
        webhooks_url=WEBHOOKS,
    )
    body = commands.consult(asked, "app", "key")
    assert body["client_state"] == legs.colleague("key")
    assert body["time_limit_secs"] == 3600
    assert not [name for name in body if name.startswith("stream")]
    assert "Smith" not in str(body)


def test_a_colleague_is_asked_twice_for_any_key() -> None:
    assert commands.invite(invitation("de-AT"), "state") == {
        "payload": "Ein Anruf wartet auf Sie. Drücken Sie eine beliebige Taste, um ihn anzunehmen.",
        "voice": "AWS.Polly.Vicki",
        "client_state": "state",
        "minimum_digits": 1,
        "maximum_digits": 1,
        "maximum_tries": 2,
        "timeout_millis": 10_000,
    }


def test_what_is_said_has_a_voice_of_its_language() -> None:
    body = commands.speak(" Guten Tag ", "de-DE", "state")
    assert body == {"payload": "Guten Tag", "voice": "AWS.Polly.Vicki", "client_state": "state"}


def test_a_long_text_ends_with_the_last_word_that_fits() -> None:
    said = commands.speak("word " * 1000, "en-US", "")["payload"]
    assert said.endswith("word")
    assert 2990 < len(said) <= 3000
    assert len(commands.speak("x" * 4000, "en-US", "")["payload"]) == 3000


def test_keys_are_pressed() -> None:
    assert commands.send_dtmf("1w2*#AD") == {"digits": "1w2*#AD", "duration_millis": 250}


@pytest.mark.parametrize("digits", ["", "E", "1 2", "１", "1" * 101, "W", "1\n"])
def test_what_is_no_key_is_refused(digits: str) -> None:
    with pytest.raises(CarrierError, match="presses 1 to 100 keys"):
        commands.send_dtmf(digits)
