"""About what a call costs."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import get_args

import pytest

from getpatter.carriers.accounts import ACCOUNTS
from getpatter.carriers.prices import RATES, VERSION, estimate
from getpatter.events import Direction

NEW_YORK = "+12125550100"


@pytest.mark.parametrize(
    ("duration_s", "minutes"), [(0.0, 0), (0.2, 1), (59.9, 1), (60.0, 1), (60.1, 2), (600.0, 10), (-1.0, 0)]
)
def test_minutes_are_paid_once_they_are_begun(duration_s: float, minutes: int) -> None:
    assert estimate("twilio", "outbound", NEW_YORK, duration_s) == minutes * 14_000


def test_the_direction_counts() -> None:
    assert estimate("telnyx", "inbound", NEW_YORK, 60.0) == 3_500
    assert estimate("telnyx", "outbound", NEW_YORK, 60.0) == 7_000


@pytest.mark.parametrize(
    "number", ["+4930123456", "+14165550100", "+18765550100", "+19075550100", "+18005550100", "+1212555010", "", "anon"]
)
def test_numbers_that_are_priced_otherwise_are_not_guessed_at(number: str) -> None:
    assert estimate("twilio", "outbound", number, 60.0) is None


def test_a_carrier_without_figures_is_not_guessed_at() -> None:
    assert estimate("sim", "outbound", NEW_YORK, 60.0) is None


def test_every_account_has_its_figures_and_each_says_where_it_is_from() -> None:
    assert set(RATES) == set(product(ACCOUNTS, get_args(Direction)))
    assert all(rate.source and date.fromisoformat(rate.as_of) for rate in RATES.values())
    assert max(rate.as_of for rate in RATES.values()) == VERSION
