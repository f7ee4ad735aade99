"""What is looked at follows from the settings and from whether an engine runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI, Response

from getpatter.carriers.accounts import ACCOUNTS
from getpatter.carriers.base import Carrier, Finding
from getpatter.carriers.unable import Unable
from getpatter.clock import SystemClock
from getpatter.control.beacon import EngineInfo
from getpatter.doctor.examination import Examination
from getpatter.errors import ConfigurationError
from getpatter.server.ping import add_ping
from getpatter.settings import load
from getpatter.testing.http import served
from getpatter.version import __version__


class Fabrikam(Unable):
    name = "fabrikam"

    async def examine(self, number: str, webhooks_url: str) -> Sequence[Finding]:
        return [Finding("webhook", "ok", f"{number} calls {webhooks_url}.")]

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Account:
    api_url: str
    kind = "fabrikam"

    def open(self) -> Carrier:
        return cast(Carrier, Fabrikam())  # the part of one that is asked


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def use(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    monkeypatch.setitem(cast(dict[str, Any], ACCOUNTS), "fabrikam", make)


def running(public_url: str) -> EngineInfo:
    return EngineInfo(
        pid=1,
        private_url="http://127.0.0.1:8000",
        carrier_url="http://127.0.0.1:8080",
        token="correct horse",
        version=__version__,
        started_at=0.0,
        public_url=public_url,
    )


@asynccontextmanager
async def carrier_listener() -> AsyncIterator[str]:
    app = FastAPI()
    add_ping(app, "fabrikam", "correct horse")
    app.add_api_route("/webhooks/fabrikam/voice", lambda: Response(status_code=403), methods=["POST"])
    async with served(app) as url:
        yield url


def examination(tmp_path: Path, engine: EngineInfo | None = None, **given: Any) -> Examination:
    given = {"port": 0, "carrier_port": 0, "carrier": "fabrikam", "phone_number": "+12025550123"} | given
    return Examination(load(home=tmp_path / "home", **given), engine, SystemClock())


def abouts(examination: Examination) -> list[str]:
    return [check.about for check in examination.checks]


async def test_all_is_well_with_a_running_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with carrier_listener() as url:
        use(monkeypatch, lambda: Account(url))
        subject = examination(tmp_path, running(url), allow="+1202*", public_url=url)
        findings = await subject.run(lambda check, findings: None)
    levels = {finding.about: finding.level for finding in findings}
    for about in ("carrier", "webhook", "clock", "outbound calls", "public URL", "round trip", "signatures"):
        assert levels[about] == "ok", about
    (webhook,) = [finding for finding in findings if finding.about == "webhook"]
    assert webhook.message == f"+12025550123 calls {url}/webhooks/fabrikam."


def test_the_simulated_network_needs_nothing_of_the_outside(tmp_path: Path) -> None:
    looked_at = abouts(examination(tmp_path, carrier="sim"))
    assert looked_at[-1] == "carrier"
    assert not {"account", "clock", "public URL", "round trip", "signatures"} & set(looked_at)


def test_without_credentials_the_carrier_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> Account:
        raise ConfigurationError("Fabrikam has no key.")

    use(monkeypatch, make)
    looked_at = abouts(examination(tmp_path, public_url="https://phone.example.org"))
    assert "carrier" in looked_at
    assert not {"account", "clock"} & set(looked_at)


def test_without_an_engine_there_is_nobody_to_refuse_what_is_not_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, lambda: Account("https://api.example.org"))
    looked_at = abouts(examination(tmp_path, public_url="https://phone.example.org"))
    assert "round trip" in looked_at
    assert "signatures" not in looked_at


async def test_a_tunnel_has_no_url_before_the_engine_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, lambda: Account("https://api.example.org"))
    subject = examination(tmp_path, tunnel="cloudflare")
    (check,) = [check for check in subject.checks if check.about == "public URL"]
    (found,) = await check.look()
    assert found.level == "warning"
    assert "getpatter serve" in found.next_step
    assert "round trip" not in abouts(subject)


def test_a_tunnels_url_is_that_of_the_engine(tmp_path: Path) -> None:
    subject = examination(tmp_path, running("https://two-words.trycloudflare.com"), tunnel="cloudflare")
    assert subject.reached_at == "https://two-words.trycloudflare.com"


def test_a_public_url_that_cannot_be_used_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, lambda: Account("https://api.example.org"))
    assert "round trip" not in abouts(examination(tmp_path, public_url="http://phone.example.org"))


async def test_models_that_their_vendors_retire_are_found(tmp_path: Path) -> None:
    subject = examination(tmp_path, carrier="sim", llm="groq/llama-3.3-70b-versatile")
    (check,) = [check for check in subject.checks if check.about == "models"]
    (found,) = await check.look()
    assert found.level == "error"
