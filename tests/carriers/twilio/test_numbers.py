from __future__ import annotations

from typing import Any

import pytest

from getpatter.carriers.base import Finding
from getpatter.carriers.twilio import numbers
from getpatter.errors import CarrierError

HOOKS = "https://patter.example/webhooks/twilio"
OURS: dict[str, Any] = {
    "voice_url": f"{HOOKS}/voice",
    "voice_method": "POST",
    "status_callback": f"{HOOKS}/status",
    "status_callback_method": "POST",
    "capabilities": {"voice": True, "sms": False},
    "voice_application_sid": "",
    "trunk_sid": None,
}


def levels(findings: list[Finding]) -> dict[str, str]:
    return {finding.about: finding.level for finding in findings}


def test_a_number_that_is_right_is_left_alone() -> None:
    assert numbers.changes(OURS, HOOKS) == ()


@pytest.mark.parametrize("wrong", ["voice_url", "voice_method", "status_callback", "status_callback_method"])
def test_whatever_is_wrong_is_set_right_with_the_rest(wrong: str) -> None:
    assert dict(numbers.changes(OURS | {wrong: None}, HOOKS)) == numbers.settings(HOOKS)


@pytest.mark.parametrize(("name", "what"), [("trunk_sid", "a SIP trunk"), ("voice_application_sid", "a TwiML app")])
def test_a_number_whose_calls_go_elsewhere_is_not_touched(name: str, what: str) -> None:
    with pytest.raises(CarrierError, match=what) as refused:
        numbers.changes(OURS | {name: "XX1"}, HOOKS)
    assert f"Take {what} off the number" in (refused.value.next_step or "")


def test_a_number_of_somebody_elses_is_not_told_in_full() -> None:
    error = numbers.not_owned("+12025550199")
    assert "0199" in error.message
    assert "5550199" not in error.message
    assert "PATTER_PHONE_NUMBER" in (error.next_step or "")


@pytest.mark.parametrize(
    ("account", "level", "says"),
    [
        ({"status": "active", "type": "Full"}, "ok", "active"),
        ({"status": "active", "type": "Trial"}, "warning", "verified numbers only"),
        ({"status": "suspended", "type": "Full"}, "error", "suspended"),
        ({"status": "closed"}, "error", "closed"),
        ({}, "error", "not active"),
    ],
)
def test_an_account(account: dict[str, str], level: str, says: str) -> None:
    (finding,) = numbers.account_findings(account)
    assert finding.level == level
    assert says in finding.message
    assert bool(finding.next_step) == (level != "ok")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {"number": "ok", "webhook": "ok"}),
        ({"voice_url": "https://demo.twilio.com"}, {"number": "ok", "webhook": "warning"}),
        ({"voice_method": "GET"}, {"number": "ok", "webhook": "warning"}),
        ({"trunk_sid": "TK1"}, {"number": "ok", "webhook": "error"}),
        ({"capabilities": {"voice": False}}, {"number": "error"}),
        ({"capabilities": None}, {"number": "error"}),
    ],
)
def test_a_number(change: dict[str, Any], expected: dict[str, str]) -> None:
    findings = numbers.number_findings(OURS | change, HOOKS)
    assert levels(findings) == expected
    assert all(finding.next_step for finding in findings if finding.level != "ok")
