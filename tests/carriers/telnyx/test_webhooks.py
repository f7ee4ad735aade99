from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.base import (
    CallRenamed,
    CarrierEvent,
    ColleagueReady,
    InboundCall,
    MachineDetection,
    Price,
    RecordingReady,
    StatusChanged,
    StreamFailed,
)
from getpatter.carriers.telnyx import client_state, legs
from getpatter.carriers.telnyx.webhooks import Brief, Chore, Forget, HangUp, Invite, Priced, Received, parse
from getpatter.errors import CarrierError
from getpatter.testing.telnyx_webhooks import telnyx_event

CALL = "v3:caller"
AT = 1_770_071_127_521_992
"""2026-02-02T22:25:27.521992Z in microseconds."""


def said(event_type: str, **payload: Any) -> tuple[CarrierEvent, ...]:
    received = parse(telnyx_event(event_type, call_control_id=CALL, **payload))
    assert received.chore is None
    return received.events


def chore(event_type: str, **payload: Any) -> Chore | None:
    return parse(telnyx_event(event_type, call_control_id=CALL, **payload)).chore


def test_each_delivery_of_an_event_has_its_id() -> None:
    assert parse(telnyx_event("call.answered", call_control_id=CALL, delivery_id="one")).delivery_id == "one"
    assert parse(telnyx_event("call.weather", delivery_id="two")) == Received("two")


def test_an_incoming_call_waits_for_an_answer() -> None:
    call = {"direction": "incoming", "state": "parked", "from_": "+13125550100", "to": "+12025550199"}
    assert said("call.initiated", **call) == (InboundCall(CALL, "+13125550100", "+12025550199"),)


def test_an_incoming_call_that_is_connected_already_does_not_wait() -> None:
    assert said("call.initiated", direction="incoming", state="bridging", from_="+13125550100", to="+1") == ()


def test_a_caller_may_be_anonymous() -> None:
    assert said("call.initiated", direction="incoming", from_=None, to="+1") == (InboundCall(CALL, "", "+1"),)


def test_a_call_out_rings_from_its_beginning() -> None:
    assert said("call.initiated", direction="outgoing", client_state=None) == (StatusChanged(CALL, "ringing", AT),)


def test_a_call_is_answered() -> None:
    assert said("call.answered") == (StatusChanged(CALL, "in_progress", AT),)


@pytest.mark.parametrize(
    ("event_type", "payload"),
    [
        ("call.initiated", {"direction": "outgoing"}),
        ("call.answered", {}),
        ("call.hangup", {"hangup_cause": "user_busy"}),
        ("call.machine.detection.ended", {"result": "human"}),
        ("call.machine.premium.greeting.ended", {"result": "beep_detected"}),
        ("streaming.failed", {"failure_reason": "x"}),
    ],
)
def test_a_call_that_we_placed_is_told_by_our_name_first(event_type: str, payload: dict[str, Any]) -> None:
    state = legs.placed("call_1", {"token": "once"})
    events = said(event_type, client_state=state, **payload)
    assert events[0] == CallRenamed("call_1", CALL)
    assert events[1:] == said(event_type, client_state=None, **payload) != ()


def test_a_call_that_came_in_has_no_name_of_ours() -> None:
    assert said("call.answered", client_state=legs.answered({"token": "once"})) == (
        StatusChanged(CALL, "in_progress", AT),
    )


def test_changes_are_ordered_by_when_they_were() -> None:
    times = ["2026-02-02T22:25:27Z", "2026-02-02T22:25:27.000001Z", "2026-02-02T23:25:28+00:00"]
    events = [parse(telnyx_event("call.answered", call_control_id=CALL, occurred_at=at)).events[0] for at in times]
    order = [event.sequence for event in events if isinstance(event, StatusChanged) and event.sequence is not None]
    assert order == sorted(order)
    assert len(set(order)) == 3


def test_a_change_without_a_time_has_no_place_in_the_order() -> None:
    body = telnyx_event("call.answered", call_control_id=CALL, occurred_at="yesterday")
    assert parse(body).events == (StatusChanged(CALL, "in_progress", None),)


@pytest.mark.parametrize(
    ("cause", "sip", "status", "told"),
    [
        ("normal_clearing", "200", "completed", "normal_clearing"),
        ("time_limit", "unspecified", "completed", "time_limit"),
        ("user_busy", "486", "busy", "user_busy, SIP 486"),
        ("timeout", "unspecified", "no_answer", "timeout"),
        ("no_answer", "480", "no_answer", "no_answer, SIP 480"),
        ("originator_cancel", "487", "canceled", "originator_cancel, SIP 487"),
        ("call_rejected", "603", "failed", "call_rejected, SIP 603"),
        ("call_rejected", 403, "failed", "call_rejected, SIP 403"),
        ("not_found", "404", "failed", "not_found, SIP 404"),
        ("unspecified", None, "failed", "unspecified"),
        (None, None, "failed", "unspecified"),
        ("new_cause", "500", "failed", "new_cause, SIP 500"),
        ("x" * 1000, None, "failed", "x" * 100),
    ],
)
def test_a_call_ends_for_a_cause(cause: str | None, sip: str | int | None, status: Any, told: str) -> None:
    ended = said("call.hangup", hangup_cause=cause, sip_hangup_cause=sip, hangup_source="callee")
    assert ended == (StatusChanged(CALL, status, AT, told),)


@pytest.mark.parametrize(
    ("event", "result", "classification", "greeting_ended"),
    [
        ("call.machine.detection.ended", "human", "human", False),
        ("call.machine.detection.ended", "machine", "machine", False),
        ("call.machine.detection.ended", "not_sure", "unknown", False),
        ("call.machine.greeting.ended", "beep_detected", "machine", True),
        ("call.machine.greeting.ended", "ended", "machine", True),
        ("call.machine.greeting.ended", "not_sure", "machine", False),
        ("call.machine.premium.detection.ended", "human_residence", "human", False),
        ("call.machine.premium.detection.ended", "human_business", "human", False),
        ("call.machine.premium.detection.ended", "machine", "machine", False),
        ("call.machine.premium.detection.ended", "silence", "unknown", False),
        ("call.machine.premium.detection.ended", "fax_detected", "fax", False),
        ("call.machine.premium.detection.ended", "not_sure", "unknown", False),
        ("call.machine.premium.greeting.ended", "beep_detected", "machine", True),
        ("call.machine.premium.greeting.ended", "no_beep_detected", "machine", True),
        ("call.machine.premium.greeting.ended", "prompt_ended", "unknown", False),
    ],
)
def test_who_took_the_call(event: str, result: str, classification: Any, greeting_ended: bool) -> None:
    assert said(event, result=result) == (MachineDetection(CALL, classification, greeting_ended, result),)


def test_a_stream_that_failed_is_told_with_its_reason() -> None:
    assert said("streaming.failed", failure_reason="connection_failed") == (StreamFailed(CALL, "connection_failed"),)
    assert said("streaming.failed") == (StreamFailed(CALL, "unspecified"),)


def test_keys_are_left_to_the_stream() -> None:
    assert said("call.dtmf.received", digit="5") == ()


class TestRecordings:
    RECORDING: ClassVar[dict[str, Any]] = {
        "recording_urls": {"wav": "https://s3.example/a.wav", "mp3": "https://s3.example/a.mp3"},
        "recording_started_at": "2026-02-02T22:20:27.595Z",
        "recording_ended_at": "2026-02-02T22:20:40.095Z",
        "channels": "dual",
    }

    def test_a_recording_is_ready(self) -> None:
        (ready,) = said("call.recording.saved", recording_id="r1", **self.RECORDING)
        assert ready == RecordingReady(CALL, "r1", "https://s3.example/a.wav", 12.5)

    def test_a_recording_that_does_not_name_its_call_has_it_in_what_went_along(self) -> None:
        body = telnyx_event("call.recording.saved", client_state=legs.recorded(CALL), **self.RECORDING)
        (ready,) = parse(body).events
        assert isinstance(ready, RecordingReady)
        assert ready.carrier_call_id == CALL

    def test_a_recording_of_nobodys_call_says_nothing(self) -> None:
        assert parse(telnyx_event("call.recording.saved", **self.RECORDING)).events == ()

    def test_a_recording_without_an_address_says_nothing(self) -> None:
        assert said("call.recording.saved", recording_urls={"wav": None}) == ()

    def test_a_recording_may_not_say_how_long_it_is(self) -> None:
        (ready,) = said("call.recording.saved", recording_urls={"mp3": "https://s3.example/a.mp3"})
        assert isinstance(ready, RecordingReady)
        assert (ready.url, ready.duration_s) == ("https://s3.example/a.mp3", None)


class TestLegs:
    def test_a_colleague_who_answers_is_to_be_asked(self) -> None:
        received = parse(telnyx_event("call.answered", call_control_id=CALL, client_state=legs.colleague("k")))
        assert received.events == (StatusChanged(CALL, "in_progress", AT),)
        assert received.chore == Invite(CALL, "k")

    def test_a_colleague_who_presses_a_key_is_to_be_briefed(self) -> None:
        pressed = chore("call.gather.ended", digits="5", status="valid", client_state=legs.colleague("k"))
        assert pressed == Brief(CALL, "k")

    @pytest.mark.parametrize("status", ["timeout", "invalid", "cancelled", "cancelled_amd", None])
    def test_a_colleague_who_presses_none_is_let_go(self, status: str | None) -> None:
        ended = chore("call.gather.ended", digits="", status=status, client_state=legs.colleague("k"))
        assert ended == HangUp(CALL)

    def test_a_colleague_who_has_hung_up_needs_nothing(self) -> None:
        assert chore("call.gather.ended", status="call_hangup", client_state=legs.colleague("k")) is None

    @pytest.mark.parametrize("state", [None, legs.briefed("k"), legs.message(), legs.transferred("v3:other")])
    def test_other_keys_have_no_consequence(self, state: str | None) -> None:
        assert said("call.gather.ended", digits="5", status="valid", client_state=state) == ()

    def test_a_colleague_who_has_heard_the_question_alone_is_not_ready(self) -> None:
        assert said("call.speak.ended", status="completed", client_state=legs.colleague("k")) == ()

    @pytest.mark.parametrize("status", ["completed", "cancelled_amd", None])
    def test_a_colleague_who_has_heard_it_is_ready(self, status: str | None) -> None:
        ready = said("call.speak.ended", status=status, client_state=legs.briefed("k"))
        assert ready == (ColleagueReady(CALL),)

    def test_a_colleague_who_hung_up_meanwhile_is_not(self) -> None:
        assert said("call.speak.ended", status="call_hangup", client_state=legs.briefed("k")) == ()

    @pytest.mark.parametrize("state", [legs.colleague("k"), legs.briefed("k")])
    def test_what_a_colleague_was_to_be_told_is_forgotten_after_their_call(self, state: str) -> None:
        assert chore("call.hangup", hangup_cause="timeout", client_state=state) == Forget("k")

    def test_a_call_is_over_once_its_message_was_left(self) -> None:
        assert chore("call.speak.ended", status="completed", client_state=legs.message()) == HangUp(CALL)

    def test_other_speech_has_no_consequence(self) -> None:
        assert said("call.speak.ended", status="completed", client_state=client_state.encode({"token": "t"})) == ()

    def test_a_caller_is_not_left_alone_when_the_other_side_of_a_transfer_is_gone(self) -> None:
        received = parse(
            telnyx_event(
                "call.hangup", call_control_id="v3:b", hangup_cause="timeout", client_state=legs.transferred(CALL)
            )
        )
        assert received == Received(received.delivery_id, (), HangUp(CALL))

    @pytest.mark.parametrize("event", ["call.initiated", "call.answered"])
    def test_the_other_side_of_a_transfer_is_no_call_of_ours(self, event: str) -> None:
        assert said(event, direction="outgoing", client_state=legs.transferred("v3:other")) == ()

    def test_a_state_that_names_no_caller_has_no_consequence(self) -> None:
        state = client_state.encode({"patter": legs.TRANSFERRED})
        assert chore("call.hangup", hangup_cause="timeout", client_state=state) is None


class TestCost:
    def test_what_a_call_has_cost_is_remembered(self) -> None:
        parts = [{"call_part": "sip-trunking", "cost": "0.0040", "currency": "USD"}, {"currency": "USD"}]
        assert chore("call.cost", status="success", total_cost="0.0095", cost_parts=parts) == Priced(
            CALL, Price(Decimal("0.0095"), "USD")
        )

    @pytest.mark.parametrize(
        ("total", "currencies"),
        [
            (None, ["USD"]),
            ("", ["USD"]),
            ("free", ["USD"]),
            ("NaN", ["USD"]),
            ("-1", ["USD"]),
            ("1", []),
            ("1", [None]),
            ("1", ["USD", "EUR"]),
        ],
    )
    def test_a_cost_that_is_no_price_is_not(self, total: str | None, currencies: list[str | None]) -> None:
        assert said("call.cost", total_cost=total, cost_parts=[{"currency": one} for one in currencies]) == ()


class TestBroken:
    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (b"", "not JSON"),
            (b"hello", "not JSON"),
            (b"\xff", "not JSON"),
            (b"[" * 60_000, "not"),
            (b"{}", "missing required field `data`"),
            (b'{"data":{}}', "missing required field `event_type`"),
            (b'{"data":{"event_type":"call.answered"}}', "got `null`"),
            (telnyx_event("call.answered"), "missing required field `call_control_id`"),
            (telnyx_event("call.initiated", call_control_id=CALL), "missing required field `direction`"),
            (telnyx_event("call.initiated", call_control_id=CALL, direction="up"), "neither incoming nor outgoing"),
            (telnyx_event("call.machine.detection.ended", call_control_id=CALL), "missing required field `result`"),
        ],
    )
    def test_an_error_says_what_is_wrong(self, body: bytes, says: str) -> None:
        with pytest.raises(CarrierError) as raised:
            parse(body)
        assert says in raised.value.message

    def test_an_error_repeats_nothing_of_the_webhook(self) -> None:
        with pytest.raises(CarrierError) as raised:
            parse(telnyx_event("call.initiated", call_control_id=CALL, direction="+13125550100"))
        assert "+1312" not in raised.value.message

    @given(body=st.binary(max_size=200))
    def test_noise_gives_an_error_and_nothing_else(self, body: bytes) -> None:
        with pytest.raises(CarrierError):
            parse(body)

    VALUES = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
        max_leaves=5,
    )

    @given(
        event=st.sampled_from(
            ["call.initiated", "call.answered", "call.hangup", "call.cost", "call.speak.ended", "call.recording.saved"]
        ),
        payload=st.dictionaries(
            st.sampled_from(
                [
                    *["call_control_id", "client_state", "direction", "from", "to", "status", "recording_urls"],
                    *["hangup_cause", "sip_hangup_cause", "total_cost", "cost_parts", "recording_started_at"],
                ]
            ),
            VALUES,
        ),
    )
    def test_whatever_a_payload_holds_it_gives_events_or_an_error(self, event: str, payload: dict[str, Any]) -> None:
        body = json.dumps({"data": {"event_type": event, "id": "x", "payload": payload}}).encode()
        try:
            received = parse(body)
        except CarrierError:
            return
        assert received.delivery_id == "x"
