"""Which numbers may be dialled."""

from __future__ import annotations

import pytest

from getpatter.calls.policy import EMERGENCY, DialPolicy, normalize
from getpatter.errors import InvalidRequest, PolicyDenied


def test_a_refusal_quotes_no_more_than_a_number_can_be() -> None:
    with pytest.raises(InvalidRequest) as refused:
        normalize("x" * 10_000)
    assert len(refused.value.message) < 120


@pytest.mark.parametrize(
    "written", [" +1\u00a02025550100", "+12025550100", "+1 202 555 0100", "+1 (202) 555-0100", "+1.202.555.0100"]
)
def test_punctuation_does_not_matter(written: str) -> None:
    assert normalize(written) == "+12025550100"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "+",
        "2025550100",
        "+0123456789",
        "call me",
        "+١٢٠٢٥٥٥٠١٠٠",
        "0012025550100",
        "+1202555O100",
        "+1202555010x",
        "+" + "1" * 16,
    ],
)
def test_what_is_no_number_is_refused_with_what_would_be(written: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        normalize(written)
    assert "+12025550100" in (refused.value.next_step or "")


@pytest.mark.parametrize("number", [*sorted(EMERGENCY), "+911", "9-1-1"])
def test_emergency_lines_are_never_called(number: str) -> None:
    for policy in (DialPolicy([number, "+*"]), DialPolicy([], open_to_all=True)):
        with pytest.raises(PolicyDenied) as refused:
            policy.check(number)
        assert refused.value.rule == "emergency_number"


def test_by_default_nobody_real_is_called() -> None:
    with pytest.raises(PolicyDenied) as refused:
        DialPolicy.parse("").check("+12025550100")
    assert refused.value.rule == "not_allowed"
    assert "PATTER_ALLOW" in (refused.value.next_step or "")


def test_numbers_and_prefixes_are_allowed() -> None:
    policy = DialPolicy.parse("+1 202 555 0100, +4420*")
    assert policy.check("+12025550100") == "+12025550100"
    assert policy.check("+442071234567") == "+442071234567"
    with pytest.raises(PolicyDenied):
        policy.check("+12025550101")


def test_a_network_that_reaches_nobody_is_open() -> None:
    assert DialPolicy([], open_to_all=True).check("+12025550123") == "+12025550123"
