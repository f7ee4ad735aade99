"""An address that leads here already is taken as it is, if carriers can use it."""

from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.tunnels import Static


@pytest.mark.parametrize("given", ["phone.example.org", "https://phone.example.org/", " HTTPS://Phone.example.org "])
async def test_a_host_is_as_good_as_a_url(given: str) -> None:
    tunnel = Static(given)
    assert await tunnel.open(8080, print) == "https://phone.example.org"
    await tunnel.close()


@pytest.mark.parametrize("given", ["", "  ", "http://phone.example.org", "phone example"])
def test_what_no_carrier_could_reach_is_refused(given: str) -> None:
    with pytest.raises(ConfigurationError):
        Static(given)
