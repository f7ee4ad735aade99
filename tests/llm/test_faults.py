from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from getpatter.connections.faults import MAX_WORDS
from getpatter.connections.vendor import Vendor
from getpatter.errors import ProviderError
from getpatter.llm.faults import ModelFaults, SetBy

KEY = "sk-secret"
FAULTS = ModelFaults(
    "m at host", "m", Vendor("that server", "THE_KEY"), [SecretStr(KEY)], SetBy(model="THE_MODEL", url="THE_URL")
)


def error(status: int, body: object = None, **headers: str) -> ProviderError:
    text = body if isinstance(body, str) else json.dumps(body)
    return FAULTS.refused(status, text.encode(), {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("status", "body", "retryable", "setting"),
    [
        (302, "", False, "THE_URL"),
        (401, {"error": {"message": "Incorrect API key"}}, False, "THE_KEY"),
        (403, "", False, "THE_KEY"),
        (404, {"error": {"message": "no", "code": "model_not_found"}}, False, "THE_MODEL"),
        (404, {"error": {"message": "The model `m` does not exist."}}, False, "THE_MODEL"),
        (404, {"error": 'model "m" not found, try pulling it first'}, False, "THE_MODEL"),
        (404, {"object": "error", "message": "The model `m` does not exist."}, False, "THE_MODEL"),
        (404, {"detail": "Not Found"}, False, "THE_URL"),
        (404, "404 page not found", False, "THE_URL"),
        (405, "", False, "THE_URL"),
        (400, {"error": {"message": "m is not a chat model"}}, False, "THE_MODEL"),
        (429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, True, "moment"),
        (429, {"error": {"message": "pay", "code": "insufficient_quota"}}, False, "THE_KEY"),
        (500, "", True, "moment"),
        (503, "<html>", True, "moment"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, True, "moment"),
    ],
)
def test_a_refusal_says_what_to_look_at(status: int, body: object, retryable: bool, setting: str) -> None:
    refused = error(status, body)
    assert f"HTTP {status}" in refused.message
    assert "m at host" in refused.message
    assert refused.retryable is retryable
    assert setting in (refused.next_step or "")


def test_the_server_may_say_when_to_try_again() -> None:
    assert error(429, "", retry_after="7").next_step == "Try again in 7 s."


def test_the_servers_words_are_passed_on_in_part() -> None:
    refused = error(400, {"error": {"message": "bad\n tools " + "x" * 1000}})
    assert "bad tools xxx" in refused.message
    assert len(refused.message) < MAX_WORDS + 100
    assert refused.next_step is None


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_a_key_that_the_server_repeats_is_not_passed_on(status: int) -> None:
    refused = error(status, {"error": {"message": f"The key {KEY} of the model is wrong."}})
    assert KEY not in refused.message


@pytest.mark.parametrize("body", ["null", "[]", "5", '{"error": null}', '{"error": []}', "\ufffd"])
def test_any_body_gives_an_error(body: str) -> None:
    assert "HTTP 500" in error(500, body).message
    assert "HTTP 404" in error(404, body).message


def test_what_is_no_stream_is_the_fault_of_the_address() -> None:
    refused = FAULTS.no_stream()
    assert not refused.retryable
    assert "THE_URL" in (refused.next_step or "")


def test_a_server_that_is_away_may_come_back() -> None:
    away = FAULTS.unreachable(ConnectionRefusedError(111, "Connection refused"))
    assert away.message == "m at host cannot be reached: Connection refused"
    assert away.retryable
    assert "THE_URL" in (away.next_step or "")


def test_a_model_that_was_retired_is_told_with_what_took_its_place() -> None:
    gone = ModelFaults("m", "claude-3-5-haiku-20241022", Vendor("Anthropic", "K"))
    refused = gone.refused(
        404, b'{"error": {"type": "not_found_error", "message": "model: claude-3-5-haiku-20241022"}}'
    )
    assert refused.next_step == "claude-3-5-haiku-20241022 was retired on 2026-02-19: use claude-haiku-4-5."
    assert "base" in (gone.refused(404, b'{"detail": "Not Found"}').next_step or "")
    bad = gone.refused(400, b'{"error": {"code": "model_decommissioned", "message": "no more"}}')
    assert bad.next_step == refused.next_step
