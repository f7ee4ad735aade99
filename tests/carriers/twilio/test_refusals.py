from __future__ import annotations

import json

import pytest

from getpatter.carriers.rest import ApiResponse
from getpatter.carriers.twilio.refusals import refusal, without_numbers
from getpatter.errors import CarrierError


def refused(status: int, code: int | None = None, message: str = "") -> CarrierError:
    return refusal(ApiResponse(status, json.dumps({"code": code, "message": message}).encode()))


@pytest.mark.parametrize(
    ("status", "code", "wrong", "remedy"),
    [
        (401, 20003, "does not know this account SID with this auth token", "TWILIO_AUTH_TOKEN"),
        (403, 20005, "not active", "balance"),
        (400, 21210, "neither a number of this Twilio account nor one that was verified", "PATTER_PHONE_NUMBER"),
        (400, 21219, "trial account", "Verify the number"),
        (400, 21215, "may not call this country", "Geo permissions"),
        (400, 21211, "cannot call this number", "+14155550123"),
        (429, 20429, "no more requests", "lower rate"),
        (400, 21609, "our address", "PATTER_PUBLIC_URL"),
        (404, 20404, "does not know this call", "another account"),
    ],
)
def test_what_users_meet_is_explained(status: int, code: int, wrong: str, remedy: str) -> None:
    error = refused(status, code, "words of Twilio's")
    assert wrong in error.message
    assert remedy in (error.next_step or "")
    assert error.carrier_code == str(code)


def test_a_status_alone_says_something() -> None:
    assert "auth token" in refusal(ApiResponse(401, b"<html>")).message
    assert "no more requests" in refusal(ApiResponse(429, b"")).message


def test_what_is_not_known_is_told_in_twilios_words_without_numbers() -> None:
    error = refused(400, 99999, "Call to +1 (202) 555-0199\nis 5 x too odd")
    assert error.message == "Twilio refused (HTTP 400): Call to *** is 5 x too odd"
    assert error.next_step == "See https://www.twilio.com/docs/api/errors/99999."


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": 7}'])
def test_an_answer_without_words_is_a_refusal_too(body: bytes) -> None:
    error = refusal(ApiResponse(500, body))
    assert error.message == "Twilio refused (HTTP 500): it did not say why"
    assert error.carrier_code == ""


def test_words_are_cut() -> None:
    assert len(without_numbers("ab " * 1000)) == 200
