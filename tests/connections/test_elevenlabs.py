from __future__ import annotations

import pytest
from pydantic import SecretStr

from getpatter.connections.elevenlabs import ElevenLabsFaults
from getpatter.connections.vendors import ELEVENLABS

KEY = "sk-0123456789"
FAULTS = ElevenLabsFaults("m at acme.example", ELEVENLABS, [SecretStr(KEY)])
QUOTA = b'{"detail": {"status": "quota_exceeded", "message": "You have 5 credits left."}}'


@pytest.mark.parametrize(
    ("kind", "retryable", "step"),
    [
        ("invalid_api_key", False, "Set ELEVENLABS_API_KEY to a valid key of ElevenLabs."),
        ("auth_error", False, "Set ELEVENLABS_API_KEY to a valid key of ElevenLabs."),
        ("quota_exceeded", False, "Add credit at ElevenLabs, or allow the key to use more of it."),
        ("invalid_request", False, None),
        ("rate_limited", True, "Try again in a moment."),
        ("something_new", True, "Try again in a moment."),
    ],
)
def test_a_complaint_says_whether_to_try_again(kind: str, retryable: bool, step: str | None) -> None:
    error = FAULTS.complained(kind, "")
    assert error.message == f"m at acme.example complains ({kind})"
    assert (error.retryable, error.next_step) == (retryable, step)


def test_a_complaint_is_quoted_but_not_the_key() -> None:
    assert FAULTS.complained("input_error", f"not {KEY}").message.endswith("complains (input_error): not ***")
    assert "sk-" not in FAULTS.complained("invalid_api_key", "Invalid key sk-01***").message


def test_a_quota_that_is_used_up_is_not_taken_for_a_wrong_key() -> None:
    error = FAULTS.refused(401, QUOTA)
    assert error.message == "m at acme.example has no credit left for this key (HTTP 402): You have 5 credits left."
    assert "refused the key" in FAULTS.refused(401, b'{"detail": {"status": "invalid_api_key"}}').message


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"detail": "Not Found"}', b'{"detail": [{"msg": "x"}]}', b"\xff"])
def test_a_refusal_need_not_have_the_vendors_form(body: bytes) -> None:
    assert "(HTTP 401)" in FAULTS.refused(401, body).message
