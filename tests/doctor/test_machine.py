"""What this machine has is told as it is, with what to do where it will not do."""

from __future__ import annotations

import os
import socket
from importlib import metadata
from pathlib import Path

import pytest

from getpatter.control.beacon import EngineInfo
from getpatter.doctor import machine
from getpatter.errors import ConfigurationError
from getpatter.settings import Settings, load
from getpatter.version import __version__


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(home=tmp_path / "home", port=0, carrier_port=0)


def engine(settings: Settings, **given: str) -> EngineInfo:
    described = {
        "private_url": "http://127.0.0.1:8000",
        "carrier_url": "http://127.0.0.1:8080",
        "token": "s3cret",
        "version": __version__,
    }
    return EngineInfo(pid=1, started_at=0.0, **(described | given))


def test_this_installation_is_whole() -> None:
    (found,) = machine.installation()
    assert found.level == "ok"
    assert __version__ in found.message


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = ["httpx>=0.28", "no-such-thing[x]>=1", "another; extra == 'more'"]
    monkeypatch.setattr(metadata, "requires", lambda name: declared)
    (found,) = machine.installation()
    assert found.level == "error"
    assert "without no-such-thing." in found.message


# -- the home


def test_a_home_that_is_not_there_can_be_made(settings: Settings) -> None:
    (found,) = machine.home(settings)
    assert (found.level, settings.home.exists()) == ("ok", False)


def test_a_home_of_ours_alone_is_right(settings: Settings) -> None:
    settings.home.mkdir(mode=0o700)
    assert machine.home(settings)[0].level == "ok"


def test_a_home_that_others_may_read_is_told(settings: Settings) -> None:
    settings.home.mkdir(mode=0o700)
    (settings.home / "token").touch(mode=0o644)
    (found,) = machine.home(settings)
    assert found.level == "warning"
    assert found.next_step == f"Run: chmod go= {settings.home / 'token'}"


def test_a_home_that_is_a_file_is_an_error(settings: Settings) -> None:
    settings.home.touch()
    assert machine.home(settings)[0].level == "error"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_made_is_an_error(settings: Settings, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert machine.home(settings)[0].level == "error"
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(("mode", "level"), [(0o600, "ok"), (0o640, "warning"), (0o604, "warning")])
def test_the_file_of_credentials_is_for_its_owner(tmp_path: Path, mode: int, level: str) -> None:
    path = tmp_path / ".env"
    path.touch()
    path.chmod(mode)
    assert machine.env_file(path)[0].level == level


def test_nothing_is_said_where_there_is_no_such_file(tmp_path: Path) -> None:
    assert machine.env_file(tmp_path / ".env") == []


# -- the engine and its ports


def test_no_engine_is_no_fault() -> None:
    (found,) = machine.engine_process(None)
    assert found.level == "ok"
    assert "getpatter serve" in found.next_step


def test_an_engine_of_another_version_is_told(settings: Settings) -> None:
    (found,) = machine.engine_process(engine(settings, version="0.0.1"))
    assert found.level == "warning"
    assert "0.0.1" in found.message
    assert machine.engine_process(engine(settings))[0].level == "ok"


async def test_ports_that_are_free(settings: Settings) -> None:
    assert [found.level for found in await machine.ports(settings, None)] == ["ok", "ok"]


async def test_a_port_that_somebody_else_has_is_an_error(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings.carrier_port = other.getsockname()[1]
        private, carrier = await machine.ports(settings, None)
    assert (private.level, carrier.level) == ("ok", "error")
    assert "PATTER_CARRIER_PORT" in carrier.next_step


async def test_ports_that_our_own_engine_has(settings: Settings) -> None:
    settings.port, settings.carrier_port = 8000, 8081
    private, carrier = await machine.ports(settings, engine(settings))
    assert (private.level, carrier.level) == ("ok", "warning")
    assert "8080, and PATTER_CARRIER_PORT says 8081" in carrier.message


# -- tunnels


def test_no_tunnel_is_not_talked_about(settings: Settings) -> None:
    assert machine.tunnel(settings) == []


def test_cloudflares_program(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.tunnel = "cloudflare"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.tunnel(settings)[0].level == "error"
    (tmp_path / "cloudflared").touch(mode=0o755)
    assert machine.tunnel(settings)[0].level == "ok"
    settings.manage_webhook = False
    (found,) = machine.tunnel(settings)
    assert found.level == "warning"
    assert "PATTER_MANAGE_WEBHOOK" in found.next_step


def test_ngroks_token(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("ngrok")
    settings.tunnel = "ngrok"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NGROK_AUTHTOKEN", raising=False)
    with pytest.raises(ConfigurationError, match="authtoken"):
        machine.tunnel(settings)
    monkeypatch.setenv("NGROK_AUTHTOKEN", "2abc")
    assert machine.tunnel(settings)[0].level == "ok"
