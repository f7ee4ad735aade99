from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.telnyx.refusals import refusal
from getpatter.errors import CarrierError


def refused(status: int, code: object = "", title: str = "", detail: str = "") -> CarrierError:
    return refusal(status, json.dumps({"errors": [{"code": code, "title": title, "detail": detail}]}).encode())


@pytest.mark.parametrize(
    ("status", "code", "title", "detail", "step"),
    [
        (401, "10009", "Authentication failed", "Could not understand the provided credentials.", "TELNYX_API_KEY"),
        (403, "10010", "Authorization failed", "Unverified origination number", "Call from a number of this"),
        (403, "10010", "Authorization failed", "Not whitelisted country D13", "Allow the country"),
        (403, "10010", "Forbidden", "No outbound profile D38", "outbound voice profile"),
        (422, "10015", "Invalid value for connection_id (Call Control App ID)", "", "TELNYX_CONNECTION_ID"),
        (422, "10016", "Phone number must be in +E164 format", "", "E.164"),
        (402, "20100", "Insufficient Funds", "", "Add funds"),
        (429, "10011", "Too many requests", "", "Too many requests"),
        (429, "", "", "", "Too many requests"),
        (401, "", "", "", "TELNYX_API_KEY"),
    ],
)
def test_the_errors_that_users_meet_say_what_to_do(status: int, code: str, title: str, detail: str, step: str) -> None:
    error = refused(status, code, title, detail)
    assert error.carrier_code == code
    assert step in (error.next_step or "")


def test_an_error_has_telnyxs_words() -> None:
    error = refused(422, "90034", "Call not answered yet", "This call can't receive this command.")
    assert error.message == (
        "Telnyx refused with HTTP 422 (90034): Call not answered yet: This call can't receive this command."
    )


def test_an_error_has_no_numbers_of_people_and_no_ids_of_calls() -> None:
    error = refused(422, "1", "+13125550100 is bad", "call v3:AbC-d_1 from 3125550100")
    assert error.message == "Telnyx refused with HTTP 422 (1): … is bad: call … from …."


def test_a_code_may_be_a_number() -> None:
    assert refused(422, 90018).carrier_code == "90018"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors":[]}', b'{"errors":[7]}', b'{"errors":[{}]}'])
def test_an_answer_that_is_no_error_of_telnyxs_is_told_by_its_status(body: bytes) -> None:
    assert refusal(502, body).message == "Telnyx refused with HTTP 502."


@given(status=st.integers(300, 599), body=st.binary(max_size=100))
def test_whatever_is_answered_it_is_an_error(status: int, body: bytes) -> None:
    assert str(status) in refusal(status, body).message
