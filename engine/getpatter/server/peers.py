"""Who sends what is refused, and how much more of it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from getpatter.clock import Clock
from getpatter.errors import ConfigurationError
from getpatter.server.recently import Recently
from getpatter.server.token_bucket import TokenBucket

REFUSALS: Final = 100
"""Refused requests of one peer that are looked at in a row."""
REFUSALS_PER_S: Final = 5.0
"""And then a second.  A stranger who has our own carrier ring us is held to less than this by the carrier."""
PEERS: Final = 10_000
QUIET_S: Final = REFUSALS / REFUSALS_PER_S
"""After which a peer's bucket is full again and need not be remembered."""
VOUCHED_S: Final = 86_400.0

LOOKS_BYTES: Final = 1_048_576
"""Requests of all peers over their budget that are verified in a row, in bytes of URL and body, ..."""
LOOKS_BYTES_PER_S: Final = 262_144.0
"""... and then a second.  A kilobyte of a form takes some 0.15 ms, a few hundredths of a processor; requests
with as many signatures as Telnyx may send take a sixth."""
LOOK_BYTES: Final = 1024
"""What each counts for besides its own."""


class PeerLimits:
    """Which peers are over their budget of refused requests.

    Never one that has sent a good request within a day: a carrier's requests come from few addresses, and other
    customers of the carrier can have it send us bad ones from the same.  Nor an address that is not a public one: what
    comes from there comes through a tunnel or a proxy and stands for everybody.

    Those other customers may be first, so what is over its budget is looked at still, within a budget that all such
    peers share.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: Recently[str, TokenBucket] = Recently(clock, seconds=QUIET_S, most=PEERS)
        self._vouched: Recently[str, bool] = Recently(clock, seconds=VOUCHED_S, most=PEERS)
        self._looks = TokenBucket(LOOKS_BYTES, LOOKS_BYTES_PER_S, clock.now())

    def exhausted(self, peer: str) -> bool:
        """Look only at what may be the carrier's, and while `look` allows it."""
        bucket = self._buckets.get(_network(peer))
        return bucket is not None and bucket.empty(self._clock.now())

    def look(self, size: int) -> bool:
        """Whether a request of an exhausted peer may be verified all the same; `size` in bytes."""
        return self._looks.take(LOOK_BYTES + size, self._clock.now())

    def refused(self, peer: str) -> None:
        network = _network(peer)
        if not network or self._vouched.get(network):
            return
        bucket = self._buckets.get(network) or TokenBucket(REFUSALS, REFUSALS_PER_S, self._clock.now())
        bucket.spend(self._clock.now())
        self._buckets.put(network, bucket)

    def accepted(self, peer: str) -> None:
        if network := _network(peer):
            self._vouched.put(network, True)
            self._buckets.forget(network)


def _network(peer: str) -> str:
    """What a peer's requests are counted by: its address, or the /64 that one IPv6 host has to itself; empty for an
    address that is not limited."""
    address = _address(peer)
    if address is None or not address.is_global:
        return ""
    return str(address) if address.version == 4 else str(ip_network((address, 64), strict=False))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class TrustedProxies:
    """The proxies whose `X-Forwarded-For` is believed, for logs and limits alone."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        """Addresses and networks (`10.0.0.0/8`).  Raises `ConfigurationError` for one that is neither."""
        try:
            self._networks = [ip_network(network.strip(), strict=False) for network in networks]
        except ValueError as error:
            raise ConfigurationError(
                f"A trusted proxy cannot be used: {error}.", next_step="Give addresses or networks such as 10.0.0.0/8."
            ) from None

    def peer(self, address: str, forwarded_for: str = "") -> str:
        """Who speaks: `address`, or, where that is a trusted proxy's, the last of the header's that is none."""
        for forwarded in reversed(forwarded_for.split(",")):
            if not self._trusts(address) or _address(forwarded.strip()) is None:
                break
            address = forwarded.strip()
        return address

    def _trusts(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._networks)
