from __future__ import annotations

from typing import Any

import pytest

from getpatter.errors import ConfigurationError
from getpatter.tools.mcp_server import McpServer, fit_name


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ({"url": "https://tools.example.com/mcp"}, "tools_example_com"),
        ({"command": "/usr/bin/shop-server.sh"}, "shop-server"),
        ({"command": "shop", "name": "The Shop"}, "The_Shop"),
        ({"command": "…"}, "mcp"),
    ],
)
def test_a_server_is_called_by_its_name_or_by_where_it_is(given: dict[str, Any], label: str) -> None:
    assert McpServer(**given).label == label


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"url": "https://example.com", "command": "shop"},
        {"url": "ftp://example.com"},
        {"url": "https://user:password@example.com"},
        {"url": "http://2130706433/"},
        {"command": "shop", "connect_timeout_s": 0},
    ],
)
def test_a_server_that_cannot_be_used_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        McpServer(**given)


def test_keys_are_not_shown() -> None:
    shown = repr(McpServer(url="https://example.com", headers={"Authorization": "hush"}, env={"KEY": "hush"}))
    assert "hush" not in shown


def test_names_are_made_to_fit() -> None:
    assert fit_name("stock.count/all") == "stock_count_all"
    assert len(fit_name("a" * 128)) == 64
