"""The example of `.env` names every variable there is, with its default, and can be used as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices, SecretStr

from getpatter.carriers.accounts import ACCOUNTS
from getpatter.errors import ConfigurationError
from getpatter.settings import Settings, load

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / ".env.example").read_text()
LISTED = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE, re.M))
FILLED_IN = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.M))


def variables() -> dict[str, str]:
    """Those of the settings, with their defaults as one writes them."""
    found = {}
    for name, field in Settings.model_fields.items():
        alias, default = field.validation_alias, field.default
        variable = str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"PATTER_{name.upper()}"
        match default:
            case bool():
                found[variable] = str(default).lower()
            case float():
                found[variable] = f"{default:g}"
            case SecretStr():
                found[variable] = default.get_secret_value()
            case _:
                found[variable] = str(default)
    return found


def test_it_names_every_setting() -> None:
    assert variables().keys() <= LISTED.keys()


def test_no_variable_stands_in_it_twice() -> None:
    assert len(re.findall(r"^#?[A-Z_]+=", EXAMPLE, re.M)) == len(LISTED)


def test_what_is_commented_out_has_its_default_behind_it() -> None:
    commented = {name: value for name, value in LISTED.items() if name not in FILLED_IN and name != "PATTER_HOME"}
    defaults = variables()
    assert commented == {name: defaults.get(name, "") for name in commented}


@pytest.mark.parametrize("carrier", sorted(ACCOUNTS))
def test_it_names_what_each_carrier_needs(carrier: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    prefix = f"{carrier.upper()}_"
    given = [name for name in LISTED if name.startswith(prefix)]
    assert f"{prefix}PHONE_NUMBER" in given
    for name in given:
        monkeypatch.setenv(name, "x")
    assert ACCOUNTS[carrier]().kind == carrier
    for name in set(given) - {f"{prefix}PHONE_NUMBER"}:
        with monkeypatch.context() as without:
            without.delenv(name)
            with pytest.raises(ConfigurationError) as refused:
                ACCOUNTS[carrier]()
            assert name in (refused.value.next_step or "")


def test_it_can_be_used_as_it_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in LISTED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATTER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(EXAMPLE)
    assert (load().carrier, load().tunnel) == ("twilio", "cloudflare")
    (tmp_path / ".env").write_text(EXAMPLE.replace("TWILIO_PHONE_NUMBER=", "TWILIO_PHONE_NUMBER=+12025550123"))
    assert load().phone_number == "+12025550123"
