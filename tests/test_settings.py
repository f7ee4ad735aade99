"""Where settings come from, and what they make of what they are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.errors import ConfigurationError
from getpatter.settings import SIMULATED_NUMBER, load


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PATTER_CARRIER", "PATTER_PHONE_NUMBER", "TWILIO_PHONE_NUMBER", "PATTER_TUNNEL", "PATTER_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATTER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def test_the_simulated_network_is_used_unless_another_is_named() -> None:
    settings = load()
    assert (settings.carrier, settings.phone_number, settings.tunnel) == ("sim", SIMULATED_NUMBER, "")


def test_names_may_be_written_in_capitals() -> None:
    settings = load(carrier="Twilio", tunnel="NGROK")
    assert (settings.carrier, settings.tunnel) == ("twilio", "ngrok")


def test_a_tunnel_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="tunnel: Input should be"):
        load(tunnel="smoke-signals")


def test_a_public_host_is_made_a_url() -> None:
    assert load(public_url="phone.example.org/").public_url == "https://phone.example.org"


# -- own prices


@pytest.mark.parametrize(
    ("written", "found"),
    [("prices.toml", "prices.toml"), ('{"acme": {"price": 1}}', {"acme": {"price": 1}}), ("{broken", "{broken")],
)
def test_prices_are_a_path_or_what_would_be_in_the_file(
    monkeypatch: pytest.MonkeyPatch, written: str, found: object
) -> None:
    assert load().pricing == ""
    monkeypatch.setenv("PATTER_PRICING", written)
    assert load().pricing == found


def test_prices_may_be_a_table_of_the_homes_file(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("[pricing.acme]\nprice = 1\n")
    assert load().pricing == {"acme": {"price": 1}}


# -- the number under its carrier's own name


def test_the_number_is_found_under_the_carriers_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_PHONE_NUMBER", "+12025550111")
    assert load(carrier="twilio").phone_number == "+12025550111"


def test_it_is_found_in_the_file_beside_where_the_carrier_is_named_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PATTER_CARRIER=Twilio\nTWILIO_PHONE_NUMBER=+12025550111\n")
    assert load().phone_number == "+12025550111"


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TWILIO_PHONE_NUMBER=+12025550111\n")
    monkeypatch.setenv("TWILIO_PHONE_NUMBER", "+12025550112")
    assert load(carrier="twilio").phone_number == "+12025550112"


def test_a_file_that_is_not_to_be_read_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TWILIO_PHONE_NUMBER=+12025550111\n")
    assert load(carrier="twilio", _env_file=None).phone_number == SIMULATED_NUMBER


@pytest.mark.parametrize("carrier", ["sim", "telnyx"])
def test_another_carriers_number_is_not_ours(monkeypatch: pytest.MonkeyPatch, carrier: str) -> None:
    monkeypatch.setenv("TWILIO_PHONE_NUMBER", "+12025550111")
    assert load(carrier=carrier).phone_number == SIMULATED_NUMBER


def test_our_own_name_for_it_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWILIO_PHONE_NUMBER", "+12025550111")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text('phone_number = "+12025550112"\n')
    assert load(carrier="twilio").phone_number == "+12025550112"
    monkeypatch.setenv("PATTER_PHONE_NUMBER", "+12025550113")
    assert load(carrier="twilio").phone_number == "+12025550113"
