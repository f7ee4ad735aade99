"""About what a call costs."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from getpatter.carriers.accounts import ACCOUNTS
from getpatter.events import Direction
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.overrides import with_overrides
from getpatter.pricing.telephony import costs_nothing, estimate

NEW_YORK = "+12125550100"
LONDON = "+442079460000"


@pytest.mark.parametrize(
    ("duration_s", "minutes"), [(0.0, 0), (0.2, 1), (59.9, 1), (60.0, 1), (60.1, 2), (600.0, 10), (-1.0, 0)]
)
def test_minutes_are_paid_once_they_are_begun(duration_s: float, minutes: int) -> None:
    assert estimate("twilio", "outbound", NEW_YORK, duration_s, BUILT_IN) == minutes * 14_000


@pytest.mark.parametrize(
    ("carrier", "direction", "micros"),
    [
        ("twilio", "inbound", 8_500),
        ("twilio", "outbound", 14_000),
        ("telnyx", "inbound", 3_500),
        ("telnyx", "outbound", 7_000),
        ("plivo", "inbound", 5_500),
        ("plivo", "outbound", 11_500),
    ],
)
def test_the_direction_counts(carrier: str, direction: Direction, micros: int) -> None:
    assert estimate(carrier, direction, NEW_YORK, 60.0, BUILT_IN) == micros


@pytest.mark.parametrize(
    "number", ["+4930123456", "+14165550100", "+18765550100", "+19075550100", "+18005550100", "+1212555010", "", "anon"]
)
def test_numbers_that_are_priced_otherwise_are_not_guessed_at(number: str) -> None:
    assert estimate("twilio", "outbound", number, 60.0, BUILT_IN) is None


def test_a_carrier_without_figures_is_not_guessed_at() -> None:
    assert estimate("nobody", "outbound", NEW_YORK, 60.0, BUILT_IN) is None


def test_the_simulated_network_costs_nothing() -> None:
    assert estimate("sim", "inbound", LONDON, 60.0, BUILT_IN) == 0
    assert costs_nothing("sim", BUILT_IN)
    assert not any(costs_nothing(carrier, BUILT_IN) for carrier in (*ACCOUNTS, "nobody"))


def test_every_account_has_its_figures() -> None:
    listed = {(vendor, model) for vendor in ACCOUNTS for model in BUILT_IN.vendors[vendor].models}
    assert listed >= {(carrier, f"{way} us") for carrier, way in product(ACCOUNTS, get_args(Direction))}


def test_an_operators_price_may_be_by_the_beginning_of_a_number() -> None:
    own = with_overrides(
        BUILT_IN, {"twilio": {"models": {"outbound +44": {"price": 0.02}, "outbound +4479": {"price": 0.03}}}}
    )
    assert estimate("twilio", "outbound", LONDON, 61.0, own) == 40_000
    assert estimate("twilio", "outbound", "+447911123456", 61.0, own) == 60_000
    assert estimate("twilio", "inbound", LONDON, 61.0, own) is None
    assert estimate("twilio", "outbound", NEW_YORK, 61.0, own) == 28_000


def test_an_operators_price_for_a_carrier_holds_for_all_of_its_calls() -> None:
    own = with_overrides(BUILT_IN, {"twilio": {"price": 0.01}})
    assert {
        estimate("twilio", way, number, 61.0, own) for way in ("inbound", "outbound") for number in (LONDON, NEW_YORK)
    } == {20_000}
