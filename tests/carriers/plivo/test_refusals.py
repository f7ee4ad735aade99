from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.plivo.refusals import refusal
from getpatter.carriers.rest import ApiResponse


def answer(status: int, error: Any = "") -> ApiResponse:
    return ApiResponse(status, json.dumps({"api_id": "a", "error": error}).encode())


@pytest.mark.parametrize(
    ("status", "error", "says", "step"),
    [
        (401, "authentication failed", "does not know this auth id", "PLIVO_AUTH_TOKEN"),
        (402, "", "no credit left", "Billing"),
        (400, "Insufficient credits to make this call", "no credit left", "Billing"),
        (403, "Geo permission is disabled for this destination", "may not call this country", "Geo Permissions"),
        (403, "", "may not call this country", "Geo Permissions"),
        (404, "not found", "does not know this call", "another account"),
        (429, "rate limit exceeded", "no more requests", "lower rate"),
        (
            400,
            "from parameter is invalid. +912235328936 is not associated with your account.",
            "not one of this Plivo account's",
            "PATTER_PHONE_NUMBER",
        ),
        (400, "To number is not verified. Add it to your sandbox numbers.", "is not verified", "upgrade"),
        (
            400,
            "from number +912235328936 cannot place calls as its compliance application is not in 'accepted' status.",
            "before its compliance application is accepted",
            "Compliance",
        ),
        (503, "", "Plivo failed", "status page"),
    ],
)
def test_what_users_meet_is_told_with_what_to_do(status: int, error: str, says: str, step: str) -> None:
    refused = refusal(answer(status, error))
    assert says in refused.message
    assert step in (refused.next_step or "")
    assert refused.carrier_code == str(status)


def test_anything_else_is_told_in_plivos_words_without_numbers() -> None:
    refused = refusal(answer(400, {"to": ["+1 (415) 555-0123 is odd"], "from": "14155550100"}))
    assert refused.message == "Plivo refused (HTTP 400): to: ['*** is odd']; from: ***."


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":7}', b"\xff"])
def test_a_refusal_without_words_says_so(body: bytes) -> None:
    assert refusal(ApiResponse(400, body)).message == "Plivo refused (HTTP 400): it did not say why."


@given(status=st.integers(300, 599), body=st.binary(max_size=200))
def test_any_refusal_is_told(status: int, body: bytes) -> None:
    assert refusal(ApiResponse(status, body)).message.startswith(("Plivo", "The"))
