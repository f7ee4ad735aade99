from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.base import CarrierCall, Price
from getpatter.carriers.plivo import statuses
from getpatter.errors import CarrierError

RECORD: dict[str, Any] = {
    "answer_time": "2026-06-28 19:39:05+05:30",
    "bill_duration": 11,
    "billed_duration": 60,
    "call_direction": "outbound",
    "call_duration": 11,
    "call_uuid": "57a1b60a-5c0b-11e7-9082-ef888d0400e9",
    "end_time": "2026-06-28 19:39:15+05:30",
    "hangup_cause_code": 4010,
    "hangup_cause_name": "End Of XML Instructions",
    "total_amount": "0.00850",
}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("ringing", "ringing"),
        ("in-progress", "in_progress"),
        ("completed", "completed"),
        ("busy", "busy"),
        ("rejected", "busy"),
        ("no-answer", "no_answer"),
        ("timeout", "no_answer"),
        ("cancel", "canceled"),
        ("failed", "failed"),
    ],
)
def test_each_word_of_plivos_has_its_status(said: str, status: str) -> None:
    assert statuses.of_webhook(said) == status


@pytest.mark.parametrize(
    ("code", "status"),
    [("3010", "busy"), ("3020", "busy"), ("3000", "no_answer"), ("6010", "no_answer"), ("1000", "canceled")],
)
def test_a_failure_is_told_by_its_cause(code: str, status: str) -> None:
    assert statuses.of_webhook("failed", code) == status
    assert statuses.of_webhook("completed", code) == "completed"


@pytest.mark.parametrize("code", ["", "2000", "3050", "x"])
def test_any_other_failure_is_one(code: str) -> None:
    assert statuses.of_webhook("failed", code) == "failed"


def test_a_strange_word_is_refused_and_not_repeated() -> None:
    with pytest.raises(CarrierError, match="not one of queued") as refused:
        statuses.of_webhook("+14155550123")
    assert "4155550123" not in refused.value.message


def test_a_call_that_was_answered_is_completed_and_has_its_price() -> None:
    expected = CarrierCall("completed", "End Of XML Instructions", 11.0, Price(Decimal("0.00850"), "USD"))
    assert statuses.of_record(RECORD) == expected


@pytest.mark.parametrize(
    ("code", "name", "status"),
    [
        (3010, "Busy Line", "busy"),
        (3020, "Rejected", "busy"),
        (3000, "No Answer", "no_answer"),
        (6010, "Ring Timeout Reached", "no_answer"),
        (1000, "Cancelled", "canceled"),
        (2000, "Invalid Destination Address", "failed"),
        (None, None, "failed"),
    ],
)
def test_a_call_that_nobody_answered_is_told_by_its_cause(code: Any, name: Any, status: str) -> None:
    record = RECORD | {"answer_time": None, "call_duration": 0, "total_amount": "0.00000"}
    call = statuses.of_record(record | {"hangup_cause_code": code, "hangup_cause_name": name})
    assert call == CarrierCall(status, name or "", 0.0, Price(Decimal("0.00000"), "USD"))  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("amount", ["0.00000", None, "", "nan", "-1", "free"])
def test_a_price_is_not_known_before_plivo_says_it(amount: Any) -> None:
    call = statuses.of_record(RECORD | {"total_amount": amount})
    assert call is not None
    assert call.price is None


def test_a_record_without_an_end_is_of_a_call_that_goes_on() -> None:
    assert statuses.of_record(RECORD | {"end_time": None}) is None


@pytest.mark.parametrize(
    ("said", "status"), [("ringing", "ringing"), ("in-progress", "in_progress"), (None, "in_progress")]
)
def test_a_live_call_rings_or_is_answered(said: Any, status: str) -> None:
    assert statuses.of_live({"call_status": said}).status == status


@given(
    record=st.dictionaries(
        st.sampled_from(sorted(RECORD)), st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    )
)
def test_a_strange_record_is_no_error(record: dict[str, Any]) -> None:
    call = statuses.of_record(record)
    assert call is None or (call.price is None or call.price.amount >= 0)
