"""The settings name a telephone company; what it needs and is missing is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from getpatter.audio.vad import VoiceActivityModel
from getpatter.beat import Beat
from getpatter.carriers.accounts import ACCOUNTS
from getpatter.carriers.base import Capabilities, Carrier
from getpatter.conversation.listening import Listening
from getpatter.errors import ConfigurationError
from getpatter.server.carriers import Telephone, check_number, check_reachable, telephone
from getpatter.settings import Settings, load
from getpatter.testing.carrier import SimCarrier
from getpatter.testing.clock import ManualClock
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory
from getpatter.testing.providers import CountingTTS

REAL: dict[str, Any] = {"phone_number": "+12025550123", "public_url": "https://phone.example.org"}


@dataclass(frozen=True)
class Account:
    """An account with a carrier that is real, as far as one can see."""

    api_url: str = "https://api.example.org"
    kind = "fabrikam"

    def open(self) -> Carrier:
        carrier = SimCarrier(SimNetwork(Directory.load(Path("/nonexistent")), b"secret"), b"secret")
        carrier.capabilities = Capabilities()
        return carrier


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TELNYX_API_KEY", "PLIVO_AUTH_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Any]:
    """`telephone` over settings; what it opened is closed."""
    phones: list[Telephone] = []
    clock = ManualClock()
    listening = Listening(VoiceActivityModel(), clock, Beat(clock))

    def open_it(settings: Settings, **more: Any) -> Telephone:
        phones.append(telephone(settings, listening, CountingTTS, **more))
        return phones[-1]

    yield open_it
    for phone in phones:
        await phone.carrier.close()


def settings(tmp_path: Path, **given: Any) -> Settings:
    return load(home=tmp_path / "home", **given)


async def test_the_simulated_network_needs_nothing(tmp_path: Path, opened: Any) -> None:
    phone = opened(settings(tmp_path))
    assert phone.simulated
    assert "getpatter sim call" in phone.how_to_try


def test_a_carrier_that_there_is_not_is_told_with_those_that_there_are(tmp_path: Path, opened: Any) -> None:
    with pytest.raises(ConfigurationError, match="no carrier 'fabrikam'") as refused:
        opened(settings(tmp_path, carrier="fabrikam", **REAL))
    for name in ACCOUNTS:
        assert name in (refused.value.next_step or "")


@pytest.mark.parametrize("name", sorted(ACCOUNTS))
def test_credentials_that_are_missing_are_named(tmp_path: Path, opened: Any, name: str) -> None:
    with pytest.raises(ConfigurationError, match="has no") as refused:
        opened(settings(tmp_path, carrier=name, **REAL))
    assert name.upper() in (refused.value.next_step or "")


async def test_an_account_that_is_handed_over_is_used(tmp_path: Path, opened: Any) -> None:
    phone = opened(settings(tmp_path, **REAL), account=Account())
    assert not phone.simulated
    assert "+12025550123" in phone.how_to_try


def test_a_real_carrier_needs_a_number(tmp_path: Path, opened: Any) -> None:
    with pytest.raises(ConfigurationError, match="your telephone number") as refused:
        opened(settings(tmp_path, public_url="https://phone.example.org"), account=Account())
    assert "PATTER_PHONE_NUMBER" in (refused.value.next_step or "")


@pytest.mark.parametrize(
    ("number", "why"), [("12025550123", "not an international"), ("+1 202 555-0123", "is not E.164"), ("", "your tele")]
)
def test_its_number_must_be_e164(tmp_path: Path, number: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        check_number(settings(tmp_path, carrier="twilio", phone_number=number))


def test_a_real_carrier_needs_a_way_in(tmp_path: Path, opened: Any) -> None:
    with pytest.raises(ConfigurationError, match="no public URL") as refused:
        opened(settings(tmp_path, phone_number="+12025550123"), account=Account())
    assert "PATTER_TUNNEL" in (refused.value.next_step or "")
    assert "PATTER_PUBLIC_URL" in (refused.value.next_step or "")


def test_the_way_in_must_be_https_unless_it_never_leaves_the_machine(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not HTTPS"):
        check_reachable(settings(tmp_path, public_url="http://phone.example.org"))
    check_reachable(settings(tmp_path, public_url="http://127.0.0.1:8080"))


def test_a_tunnel_and_a_public_url_of_another_name_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="names another"):
        check_reachable(settings(tmp_path, tunnel="cloudflare", public_url="phone.example.org"))
    check_reachable(settings(tmp_path, tunnel="ngrok", public_url="mine.ngrok.app"))


async def test_a_tunnel_is_a_way_in(tmp_path: Path, opened: Any) -> None:
    check_reachable(settings(tmp_path, tunnel="cloudflare"))
    opened(settings(tmp_path, phone_number="+12025550123"), account=Account(), tunnelled=True)
