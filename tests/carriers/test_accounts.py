from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from getpatter.carriers.account import Account
from getpatter.carriers.accounts import ACCOUNTS
from getpatter.carriers.plivo.account import Plivo
from getpatter.carriers.telnyx.account import Telnyx
from getpatter.carriers.twilio.account import Twilio
from getpatter.errors import ConfigurationError

KEYS = {
    "twilio": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
    "telnyx": ("TELNYX_API_KEY", "TELNYX_CONNECTION_ID", "TELNYX_PUBLIC_KEY"),
    "plivo": ("PLIVO_AUTH_ID", "PLIVO_AUTH_TOKEN"),
}
EACH = [(carrier, key) for carrier, keys in KEYS.items() for key in keys]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment that knows no carrier."""
    monkeypatch.chdir(tmp_path)
    for _, key in EACH:
        monkeypatch.delenv(key, raising=False)
    return tmp_path


def argument(key: str) -> str:
    return key.partition("_")[2].lower()


def test_each_carrier_has_an_account() -> None:
    assert {"twilio": Twilio, "telnyx": Telnyx, "plivo": Plivo} == ACCOUNTS


@pytest.mark.parametrize("carrier", KEYS)
def test_the_environment_describes_an_account(carrier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS[carrier]:
        monkeypatch.setenv(key, f" {key}-value\n")
    account = ACCOUNTS[carrier]()
    assert account.kind == carrier
    assert [getattr(account, argument(key)) for key in KEYS[carrier]] == [f"{key}-value" for key in KEYS[carrier]]


@pytest.mark.parametrize("carrier", KEYS)
def test_a_file_describes_an_account(carrier: str, folder: Path) -> None:
    (folder / ".env").write_text("".join(f"{key}={key}-value\n" for key in KEYS[carrier]), "utf-8")
    account = ACCOUNTS[carrier]()
    assert [getattr(account, argument(key)) for key in KEYS[carrier]] == [f"{key}-value" for key in KEYS[carrier]]


@pytest.mark.parametrize("carrier", KEYS)
def test_what_is_given_counts_before_the_environment(carrier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS[carrier]:
        monkeypatch.setenv(key, "from the environment")
    make: Callable[..., Account] = ACCOUNTS[carrier]
    account = make(**{argument(key): "given" for key in KEYS[carrier]})
    assert {getattr(account, argument(key)) for key in KEYS[carrier]} == {"given"}


@pytest.mark.parametrize(("carrier", "missing"), EACH)
def test_a_missing_credential_is_named(carrier: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS[carrier]:
        monkeypatch.setenv(key, " " if key == missing else "known")
    with pytest.raises(ConfigurationError, match=rf"has no {argument(missing)}\.") as refused:
        ACCOUNTS[carrier]()
    assert missing in (refused.value.next_step or "")


@pytest.mark.parametrize(
    "account",
    [
        Twilio("AC1", "a secret", shared_key="a secret"),
        Telnyx("a secret", "connection", "public"),
        Plivo("MA1", "a secret"),
    ],
    ids=KEYS,
)
def test_secrets_are_not_shown(account: Account) -> None:
    assert "secret" not in f"{account!r} {account}"
