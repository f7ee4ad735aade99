"""What is told once of a product whose figures are not whole."""

from __future__ import annotations

import logging

import pytest

from getpatter.metering import UNKNOWN, Product, Used
from getpatter.pricing.pricer import Pricer


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING)
    return caplog


def test_a_price_that_is_not_known_is_told_once_a_product(told: pytest.LogCaptureFixture) -> None:
    pricer = Pricer()
    for product in (Product("acme", "one"), Product("acme", "one"), Product("acme", "two"), UNKNOWN, UNKNOWN):
        assert pricer.charge(Used(product, seconds=1.0)).micros is None
    messages = [record.message for record in told.records]
    assert [message.split(" is not known")[0] for message in messages] == [
        "the price of acme/one",
        "the price of acme/two",
        "the price of a provider that does not say what it is",
    ]


def test_that_figures_are_estimates_is_told_once_a_product(told: pytest.LogCaptureFixture) -> None:
    pricer = Pricer()
    for _ in range(3):
        assert pricer.charge(Used(Product("openai", "gpt-4o"), input_tokens=1000, estimated=True)).micros == 2500
    assert [record.message for record in told.records] == [
        "openai/gpt-4o does not always tell what it used: such figures are estimates"
    ]


def test_what_is_known_is_not_talked_about(told: pytest.LogCaptureFixture) -> None:
    assert Pricer().charge(Used(Product("deepgram", "nova-3"), seconds=60.0)).micros == 4800
    assert not told.records
