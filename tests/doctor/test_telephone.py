"""Account, number, clock and allowlist, each with what to do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import cast

import pytest

from getpatter.carriers.base import Carrier, Finding
from getpatter.carriers.unable import Unable
from getpatter.doctor import telephone
from getpatter.errors import CarrierError, ConfigurationError
from getpatter.settings import load
from getpatter.testing.clock import ManualClock

YOURS = Finding("number", "ok", "It is yours.")


class Examined(Unable):
    """A carrier that is asked about a number."""

    name = "fabrikam"

    def __init__(self, refuses: bool) -> None:
        self.asked: list[tuple[str, str]] = []
        self.closed = False
        self._refuses = refuses

    async def examine(self, number: str, webhooks_url: str) -> Sequence[Finding]:
        self.asked.append((number, webhooks_url))
        if self._refuses:
            raise CarrierError("The credentials are wrong.")
        return [YOURS, Finding("webhook", "warning", f"It does not call {webhooks_url}.")]

    async def close(self) -> None:
        self.closed = True


@dataclass
class Account:
    api_url: str = "https://api.example.org"
    refuses: bool = False
    kind = "fabrikam"
    carrier: Examined = field(init=False)

    def open(self) -> Carrier:
        self.carrier = Examined(self.refuses)
        return cast(Carrier, self.carrier)  # the part of one that is asked


async def test_the_carrier_is_asked_about_number_and_webhook() -> None:
    account = Account()
    number, webhook = await telephone.account(account, "+12025550123", "https://phone.example.org")
    assert (number, webhook.about) == (YOURS, "webhook")
    assert account.carrier.asked == [("+12025550123", "https://phone.example.org/webhooks/fabrikam")]
    assert account.carrier.closed


async def test_without_a_public_url_only_account_and_number_are_asked_about() -> None:
    account = Account()
    assert await telephone.account(account, "+12025550123", "") == [YOURS]
    assert account.carrier.asked == [("+12025550123", "")]


async def test_a_carrier_that_refuses_is_closed_too() -> None:
    account = Account(refuses=True)
    with pytest.raises(CarrierError, match="credentials are wrong"):
        await telephone.account(account, "+12025550123", "")
    assert account.carrier.closed


def test_what_the_settings_lack_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "s3cret")
    monkeypatch.delenv("TWILIO_PHONE_NUMBER", raising=False)
    with pytest.raises(ConfigurationError, match="telephone number"):
        telephone.configuration(load(home=tmp_path, carrier="twilio", public_url="phone.example.org"))
    with pytest.raises(ConfigurationError, match="no public URL"):
        telephone.configuration(load(home=tmp_path, carrier="twilio", phone_number="+12025550123"))
    whole = load(home=tmp_path, carrier="twilio", phone_number="+12025550123", tunnel="cloudflare")
    (found,) = telephone.configuration(whole)
    assert found.level == "ok"
    assert "s3cret" not in repr(found)


# -- the clock


@asynccontextmanager
async def carrier_at(date: str) -> AsyncIterator[str]:
    """The URL of a carrier's API that knows nothing but the time."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 404 Not Found\r\n{date}content-length: 0\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_this_machines_clock_is_held_against_the_carriers() -> None:
    clock = ManualClock()
    date = formatdate(clock.wall() - 100, usegmt=True)
    async with carrier_at(f"date: {date}\r\n") as url:
        (found,) = await telephone.clock_skew(Account(url), clock)
    assert (found.level, "100 s fast" in found.message) == ("warning", True)


@pytest.mark.parametrize("date", ["", "date: tomorrow\r\n"])
async def test_a_carrier_that_does_not_tell_the_time(date: str) -> None:
    async with carrier_at(date) as url:
        (found,) = await telephone.clock_skew(Account(url), ManualClock())
    assert (found.level, "does not tell" in found.message) == ("warning", True)


@pytest.mark.parametrize(
    ("ahead_s", "level"), [(0, "ok"), (-29, "ok"), (31, "warning"), (-31, "warning"), (240, "error"), (-9999, "error")]
)
def test_a_clock_that_is_far_off_is_told(ahead_s: float, level: str) -> None:
    assert telephone.judged_skew(ahead_s).level == level


async def test_a_carrier_that_is_away_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    (found,) = await telephone.clock_skew(Account(url), ManualClock())
    assert (found.level, "cannot be reached" in found.message) == ("error", True)


# -- the allowlist


@pytest.mark.parametrize(
    ("allow", "level", "says"),
    [
        ("", "warning", "every outbound call is refused"),
        (" ", "warning", "every outbound call is refused"),
        ("+12025550100, +4420*", "ok", "2 numbers or prefixes"),
        ("+1 (202) 555-0100", "ok", "1 numbers"),
        ("+1*", "ok", "1 numbers"),
        ("*", "warning", "every number of the world"),
        ("+*", "warning", "every number of the world"),
        ("12025550100, +1202*", "error", "match no number: 12025550100."),
        ("1202*", "error", "match no number: 1202*."),
        ("mother", "error", "match no number: mother."),
    ],
)
def test_the_allowlist(tmp_path: Path, allow: str, level: str, says: str) -> None:
    (found,) = telephone.allowed(load(home=tmp_path, allow=allow))
    assert found.level == level
    assert says in found.message
