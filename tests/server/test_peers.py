from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.server.peers import (
    LOOK_BYTES,
    LOOKS_BYTES,
    LOOKS_BYTES_PER_S,
    QUIET_S,
    REFUSALS,
    REFUSALS_PER_S,
    VOUCHED_S,
    PeerLimits,
    TrustedProxies,
)
from getpatter.testing.clock import ManualClock

STRANGER, CARRIER = "93.184.215.14", "54.172.60.0"


def refuse(limits: PeerLimits, peer: str, times: int = REFUSALS) -> None:
    for _ in range(times):
        limits.refused(peer)


def test_a_stranger_is_looked_at_a_number_of_times() -> None:
    limits = PeerLimits(ManualClock())
    refuse(limits, STRANGER, REFUSALS - 1)
    assert not limits.exhausted(STRANGER)
    limits.refused(STRANGER)
    assert limits.exhausted(STRANGER)
    assert not limits.exhausted("93.184.215.15")


def test_a_stranger_is_looked_at_again_some_times_a_second() -> None:
    clock = ManualClock()
    limits = PeerLimits(clock)
    refuse(limits, STRANGER)
    clock.advance(1 / REFUSALS_PER_S)
    assert not limits.exhausted(STRANGER)
    limits.refused(STRANGER)
    assert limits.exhausted(STRANGER)
    clock.advance(QUIET_S)
    refuse(limits, STRANGER, REFUSALS - 1)
    assert not limits.exhausted(STRANGER)


def test_an_address_from_which_the_carrier_spoke_is_never_limited() -> None:
    clock = ManualClock()
    limits = PeerLimits(clock)
    limits.accepted(CARRIER)
    refuse(limits, CARRIER, REFUSALS * 2)
    assert not limits.exhausted(CARRIER)
    clock.advance(VOUCHED_S)
    refuse(limits, CARRIER)
    assert limits.exhausted(CARRIER)
    limits.accepted(CARRIER)
    assert not limits.exhausted(CARRIER)


def test_requests_over_the_budget_are_looked_at_by_their_length() -> None:
    clock = ManualClock()
    limits = PeerLimits(clock)
    size = LOOKS_BYTES // 16
    assert [limits.look(size - LOOK_BYTES) for _ in range(17)] == [True] * 16 + [False]
    assert not limits.look(0)
    clock.advance(size / LOOKS_BYTES_PER_S)
    assert limits.look(size - LOOK_BYTES)
    assert not limits.look(0)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.7", "172.17.0.1", "fd00::1", "testclient", ""])
def test_what_comes_through_a_tunnel_or_a_proxy_is_not_counted(address: str) -> None:
    limits = PeerLimits(ManualClock())
    refuse(limits, address)
    assert not limits.exhausted(address)


def test_one_host_has_many_ipv6_addresses_and_one_budget() -> None:
    limits = PeerLimits(ManualClock())
    for number in range(REFUSALS):
        limits.refused(f"2606:2800:21f:cb07::{number:x}")
    assert limits.exhausted("2606:2800:21f:cb07:ffff::1")
    assert not limits.exhausted("2606:2800:21f:cb08::1")


def test_an_ipv4_address_is_the_same_written_as_ipv6() -> None:
    limits = PeerLimits(ManualClock())
    refuse(limits, f"::ffff:{STRANGER}")
    assert limits.exhausted(STRANGER)
    refuse(limits, "::ffff:127.0.0.1")
    assert not limits.exhausted("::ffff:127.0.0.1")


@pytest.mark.parametrize(
    ("trusted", "address", "forwarded_for", "peer"),
    [
        pytest.param([], "127.0.0.1", STRANGER, "127.0.0.1", id="nobody is trusted unless told"),
        pytest.param(["10.0.0.0/8"], CARRIER, STRANGER, CARRIER, id="only a proxy's word counts"),
        pytest.param(["127.0.0.1"], "127.0.0.1", STRANGER, STRANGER, id="a proxy tells who speaks"),
        pytest.param(["127.0.0.1"], "127.0.0.1", f"{CARRIER}, {STRANGER}", STRANGER, id="the first is anybody's word"),
        pytest.param(["127.0.0.1", " 10.0.0.0/8"], "127.0.0.1", f"{STRANGER},10.0.0.2", STRANGER, id="two proxies"),
        pytest.param(["127.0.0.1"], "127.0.0.1", "", "127.0.0.1", id="no header"),
        pytest.param(["127.0.0.1"], "127.0.0.1", f"{STRANGER}, <script>", "127.0.0.1", id="no address"),
        pytest.param(["::1"], "::1", "2606:2800::1", "2606:2800::1", id="IPv6"),
    ],
)
def test_who_speaks(trusted: list[str], address: str, forwarded_for: str, peer: str) -> None:
    assert TrustedProxies(trusted).peer(address, forwarded_for) == peer


def test_a_proxy_that_is_no_address_is_told() -> None:
    with pytest.raises(ConfigurationError, match="proxy"):
        TrustedProxies(["my-proxy"])
