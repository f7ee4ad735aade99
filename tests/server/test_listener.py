"""A listener binds at once and says so when it cannot."""

from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.server.listener import Listener


async def test_a_taken_port_is_told_with_the_setting_that_moves_it() -> None:
    first = Listener("127.0.0.1", 0, setting="PATTER_PORT")
    try:
        with pytest.raises(ConfigurationError, match=f"port {first.port}") as refused:
            Listener("127.0.0.1", first.port, setting="PATTER_PORT")
        assert "PATTER_PORT" in (refused.value.next_step or "")
    finally:
        await first.stop()


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")]
)
async def test_its_url_reaches_it_from_this_machine(host: str, url: str) -> None:
    try:
        listener = Listener(host, 0, setting="PATTER_PORT")
    except ConfigurationError as error:
        pytest.skip(f"this machine cannot: {error.message}")
    try:
        assert listener.url == f"{url}{listener.port}"
    finally:
        await listener.stop()
