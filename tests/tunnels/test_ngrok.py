"""ngrok's own package is launched, up to where it would need ngrok's servers."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from getpatter.errors import ConfigurationError
from getpatter.tunnels import Ngrok
from getpatter.tunnels import ngrok as subject

TOKEN = "2abcDEFghiJKLmnoPQRstuVWXyz_1234567890abcdefghij"


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NGROK_AUTHTOKEN", raising=False)
    monkeypatch.chdir(tmp_path)  # whose .env is empty


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


async def test_without_a_token_it_says_where_to_get_one() -> None:
    with pytest.raises(ConfigurationError, match="needs an authtoken") as refused:
        await Ngrok().open(8080, print)
    assert "NGROK_AUTHTOKEN" in (refused.value.next_step or "")


def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NGROK_AUTHTOKEN", f" {TOKEN} ")
    assert subject.authtoken() == TOKEN
    assert subject.authtoken("mine") == "mine"


def test_the_token_comes_from_the_file_beside(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"NGROK_AUTHTOKEN={TOKEN}\n")
    assert subject.authtoken() == TOKEN


async def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ngrok", None)
    with pytest.raises(ConfigurationError, match="not installed") as refused:
        await Ngrok(authtoken=TOKEN).open(8080, print)
    assert "patter-mcp[ngrok]" in (refused.value.next_step or "")


async def test_a_server_that_cannot_be_reached_is_told() -> None:
    pytest.importorskip("ngrok")
    tunnel = Ngrok(authtoken=TOKEN, server=closed_port())
    with pytest.raises(ConfigurationError, match="ngrok refused: failed to connect session: failed to establish tcp"):
        await tunnel.open(8080, print)
    await tunnel.close()


async def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ngrok")
    monkeypatch.setattr(subject, "CONNECT_S", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tunnel = Ngrok(authtoken=TOKEN, server=f"127.0.0.1:{silent.getsockname()[1]}")
        async with asyncio.timeout(60):
            with pytest.raises(ConfigurationError, match="did not answer"):
                await tunnel.open(8080, print)


def test_the_error_for_a_wrong_token_does_not_repeat_it() -> None:
    # The package's words, which quote what it was given.
    words = (
        f"The authtoken you specified does not look like a proper one.\nYour authtoken: {TOKEN}\r\n\r\nERR_NGROK_105"
    )
    error = subject._translated(ValueError("failed to connect session", words), TOKEN)
    assert TOKEN not in error.message
    assert "ERR_NGROK_105" in error.message
    assert "dashboard" in (error.next_step or "")


def test_a_host_name_is_checked_before_anything_is_launched() -> None:
    with pytest.raises(ConfigurationError):
        Ngrok("not a host")


def test_it_does_not_show_its_token() -> None:
    assert TOKEN not in repr(Ngrok("mine.ngrok.app", TOKEN))
