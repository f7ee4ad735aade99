"""The settings name a tunnel, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.errors import ConfigurationError
from getpatter.settings import load
from getpatter.tunnels import CloudflareTunnel, Ngrok
from getpatter.tunnels.configured import configured_tunnel


def test_none_unless_asked_for(tmp_path: Path) -> None:
    assert configured_tunnel(load(home=tmp_path)) is None
    assert configured_tunnel(load(home=tmp_path, public_url="phone.example.org")) is None


def test_cloudflare(tmp_path: Path) -> None:
    assert isinstance(configured_tunnel(load(home=tmp_path, tunnel="Cloudflare")), CloudflareTunnel)


def test_cloudflare_under_a_name_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="names another"):
        configured_tunnel(load(home=tmp_path, tunnel="cloudflare", public_url="phone.example.org"))


def test_ngrok_takes_the_public_url_for_its_reserved_name(tmp_path: Path) -> None:
    tunnel = configured_tunnel(load(home=tmp_path, tunnel="ngrok", public_url="mine.ngrok.app"))
    assert isinstance(tunnel, Ngrok)
    assert tunnel.url == "https://mine.ngrok.app"
