from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from getpatter.connections.vendor import Vendor, host_of, service_url
from getpatter.errors import ConfigurationError

ACME = Vendor("Acme", "ACME_API_KEY", "acme.example/keys")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ACME_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("given", ["sk-1", SecretStr("sk-1"), " sk-1\n"])
def test_a_key_that_was_given_is_taken(given: str | SecretStr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "sk-2")
    assert ACME.key(given).get_secret_value() == "sk-1"


def test_else_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "sk-2")
    assert ACME.key().get_secret_value() == "sk-2"


def test_else_the_one_in_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ACME_API_KEY=sk-3\n")
    assert ACME.key().get_secret_value() == "sk-3"


def test_a_missing_key_says_which_variable_and_where_to_get_one() -> None:
    with pytest.raises(ConfigurationError, match=r"^Acme needs a key\.$") as missing:
        ACME.key()
    assert missing.value.next_step == (
        "Pass it as `api_key`, or set ACME_API_KEY. A key is to be had at acme.example/keys."
    )


@pytest.mark.parametrize("broken", ["sk–1", "sk\n1", "Bearer sk-1", "sk-\x7f"])
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(broken: str) -> None:
    with pytest.raises(ConfigurationError, match="holds characters that no key has") as refused:
        ACME.key(broken)
    assert broken not in str(refused.value)


def test_a_vendor_is_billed_under_its_name_unless_the_price_table_has_another() -> None:
    assert ACME.billed_as == "acme"
    assert Vendor("Acme", "ACME_API_KEY", id="acme-speech").billed_as == "acme-speech"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("", "wss://api.acme.example/v1"),
        ("wss://eu.acme.example/v1/", "wss://eu.acme.example/v1"),
        ("ws://127.0.0.1:9000", "ws://127.0.0.1:9000"),
    ],
)
def test_the_address_is_the_vendors_own_or_the_one_that_was_given(given: str, used: str) -> None:
    assert service_url(given, "wss://api.acme.example/v1") == used


@pytest.mark.parametrize(
    "given",
    [
        "https://api.acme.example",
        "acme.example",
        "wss://",
        "wss://me:pw@acme.example",
        "wss://a/?key=1",
        "wss://a:x",
        "wss://a/#key",
        "wss://a..b",
    ],
)
def test_an_address_that_cannot_be_shown_or_used_is_refused(given: str) -> None:
    with pytest.raises(ConfigurationError, match="must begin with wss://") as refused:
        service_url(given, "wss://api.acme.example/v1")
    assert "Leave it out to have wss://api.acme.example/v1." in str(refused.value.next_step)


def test_people_are_shown_host_and_port() -> None:
    assert host_of("wss://api.acme.example:8443/v1") == "api.acme.example:8443"
