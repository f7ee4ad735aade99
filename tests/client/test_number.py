"""A number and the way to it, as `Patter` is given them."""

from __future__ import annotations

import pytest

from getpatter.carriers.twilio.account import Twilio
from getpatter.client.number import Number
from getpatter.errors import ConfigurationError
from getpatter.settings import SIMULATED_NUMBER
from getpatter.tunnels import CloudflareTunnel, Static

ACCOUNT = Twilio(account_sid="AC" + "0" * 32, auth_token="token")
OURS = "+12025550199"


def test_without_an_account_it_is_the_simulated_one() -> None:
    number = Number.of(None, "", "")
    assert (number.carrier_name, number.phone_number, number.tunnel) == ("sim", SIMULATED_NUMBER, None)


def test_an_account_needs_its_number() -> None:
    with pytest.raises(ConfigurationError, match="twilio account and no phone_number"):
        Number.of(ACCOUNT, "", "")


def test_what_the_engine_is_told_of_it() -> None:
    number = Number.of(ACCOUNT, "+1 202 555 0199", "phone.example.org")
    assert number.settings == {
        "carrier": "twilio",
        "phone_number": OURS,
        "public_url": "https://phone.example.org",
    }


def test_there_is_one_way_in() -> None:
    with pytest.raises(ConfigurationError, match="either tunnel or webhook_url"):
        Number.of(ACCOUNT, OURS, "phone.example.org", tunnel=True)
    with pytest.raises(ConfigurationError, match="either tunnel or webhook_url"):
        Number.of(ACCOUNT, OURS, "phone.example.org").reached_through(True)


def test_a_tunnel_takes_the_place_of_another_and_false_of_none() -> None:
    number = Number.of(ACCOUNT, OURS, "", tunnel=True)
    assert isinstance(number.tunnel, CloudflareTunnel)
    assert number.reached_through(False) == number
    assert isinstance(number.reached_through(Static("phone.example.org")).tunnel, Static)


@pytest.mark.parametrize(
    ("number", "fixed"),
    [
        (Number.of(ACCOUNT, OURS, ""), False),
        (Number.of(ACCOUNT, OURS, "", tunnel=True), False),
        (Number.of(ACCOUNT, OURS, "phone.example.org"), True),
        (Number.of(ACCOUNT, OURS, "", tunnel=Static("phone.example.org")), True),
    ],
)
def test_who_is_led_to_one_port(number: Number, fixed: bool) -> None:
    assert number.needs_its_port is fixed
