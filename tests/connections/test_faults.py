from __future__ import annotations

import json
from datetime import date

import pytest
from pydantic import SecretStr

from getpatter.connections import ending_models
from getpatter.connections.faults import MAX_WORDS, Faults, words_of
from getpatter.connections.vendor import Vendor
from getpatter.models.retirement import Retirement

KEY = "sk-0123456789"
FAULTS = Faults("m at acme.example", Vendor("Acme", "ACME_API_KEY"), [SecretStr(KEY)])


@pytest.mark.parametrize(
    ("status", "words", "step", "retryable"),
    [
        (401, "refused the key", "Set ACME_API_KEY to a valid key of Acme.", False),
        (402, "has no credit left for this key", "Add credit at Acme.", False),
        (403, "refused access", "Check what the key in ACME_API_KEY may use.", False),
        (404, "has nothing there", "Check the names of model and voice, and the address.", False),
        (429, "is asked too often", "Try again in 7 s.", True),
        (302, "redirects elsewhere, and keys are not sent there", "Check the address.", False),
        (503, "failed", "Try again in 7 s.", True),
        (400, "refused the request", None, False),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_do(
    status: int, words: str, step: str | None, retryable: bool
) -> None:
    error = FAULTS.refused(status, b"", {"retry-after": "7"})
    assert error.message == f"m at acme.example {words} (HTTP {status})"
    assert (error.next_step, error.retryable, error.provider) == (step, retryable, "m at acme.example")


@pytest.mark.parametrize(
    "body",
    [
        {"error": "No such voice."},
        {"error": {"message": "No such voice.", "code": 7}},
        {"detail": {"status": "x", "message": "No such voice."}},
        {"detail": [{"loc": ["body"], "msg": "No such voice."}]},
        {"err_code": "X", "err_msg": "No such voice."},
        {"message": "No such voice."},
        [{"error": {"message": "No such voice."}}],
    ],
)
def test_the_vendors_words_are_found_in_its_body(body: object) -> None:
    assert words_of(json.dumps(body).encode()) == "No such voice."
    assert FAULTS.refused(400, json.dumps(body).encode()).message.endswith("(HTTP 400): No such voice.")


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"{}", b"null", b"[]", b'{"error": null}'])
def test_a_body_without_words_adds_none(body: bytes) -> None:
    assert FAULTS.refused(400, body).message == "m at acme.example refused the request (HTTP 400)"


GONE = Faults("llama at api.groq.com", Vendor("Groq", "GROQ_API_KEY"), model="llama-3.3-70b-versatile")
LIVING = Faults("m at api.groq.com", Vendor("Groq", "GROQ_API_KEY"), model="m")
ENDED = "llama-3.3-70b-versatile was retired on 2026-08-16: use openai/gpt-oss-120b."


@pytest.mark.parametrize(
    ("status", "body"), [(404, b""), (410, b""), (400, b'{"error": "Model sunsetted"}'), (422, b"no such model")]
)
def test_a_refusal_of_a_retired_model_says_what_took_its_place(status: int, body: bytes) -> None:
    assert GONE.refused(status, body).next_step == ENDED


@pytest.mark.parametrize(
    ("status", "body"), [(400, b"no such voice"), (401, b"model"), (429, b"model"), (503, b"model")]
)
def test_any_other_refusal_is_not_laid_to_that(status: int, body: bytes) -> None:
    assert GONE.refused(status, body).next_step == LIVING.refused(status, body).next_step


ENDING = Faults("m", Vendor("Acme", "ACME_API_KEY"), model="ends-some-day")


@pytest.fixture
def some_day(monkeypatch: pytest.MonkeyPatch) -> str:
    """The advice about a model that is served for some time to come."""
    retirement = Retirement(on=date.max, successor="lasts", as_of="2026-11-21", source="")
    monkeypatch.setattr(ending_models, "RETIREMENTS", {"acme": {"ends-some-day": retirement}})
    return "ends-some-day is retired on 9999-12-31: use lasts."


def test_a_bad_request_of_a_model_that_is_still_served_is_about_something_else(some_day: str) -> None:
    for status in (400, 422):
        assert ENDING.refused(status, b"too long for this model").next_step is None


def test_a_model_that_is_gone_before_its_day_is_told_as_well(some_day: str) -> None:
    assert ENDING.refused(404, b"no such model").next_step == some_day
    assert ENDING.unknown_model() == some_day


def test_a_refused_key_is_not_quoted() -> None:
    assert "sk-" not in FAULTS.refused(401, b'{"error": "Incorrect key: sk-01***89"}').message


def test_no_error_holds_the_key_or_more_words_than_can_be_read() -> None:
    error = FAULTS.failed(f"said {KEY}\n and   " + "much " * 1000)
    assert KEY not in error.message
    assert "said *** and much" in error.message
    assert len(error.message) <= MAX_WORDS + len("m at acme.example ...")


def test_what_cannot_be_reached_is_told_without_its_address() -> None:
    assert FAULTS.unreachable(OSError(111, "Connection refused")).message == (
        "m at acme.example cannot be reached: Connection refused"
    )
    assert FAULTS.unreachable(ValueError("https://secret")).message == "m at acme.example cannot be reached: ValueError"
