"""HTTP to addresses that somebody configured, without reaching into the network that the engine stands in.

A tool's URL may come from people who are not the owner of the machine, and a public name may point anywhere.  So a
host is resolved here, every address it has must be public, and the connection goes to the very address that was
judged: a name that resolves otherwise a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx2

from getpatter.errors import ConfigurationError

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host and port; raises `OSError` where there are none."""

_SPECIAL_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""IANA IPv4 Special-Purpose Address Registry, with multicast and the reserved class E."""

_HOST_SERVICES = (ip_network("168.63.129.16/32"),)
"""Public addresses that only a virtual machine's own host answers: Azure's platform address."""

_GLOBAL_V6 = ip_network("2000::/3")
"""IPv6 Global Unicast (RFC 4291): what lies outside is loopback, local, multicast, or carries an IPv4 address."""

_SPECIAL_V6 = tuple(ip_network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""The part of it that is special: protocol assignments with Teredo, documentation, and 6to4."""

_NUMERIC_END = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$", re.IGNORECASE | re.ASCII)
"""A host that resolvers may read as an IPv4 address (WHATWG URL, "ends in a number")."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to the public internet, and to nothing that is special."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in (*_SPECIAL_V4, *_HOST_SERVICES))
    return address in _GLOBAL_V6 and not any(address in block for block in _SPECIAL_V6)


def checked_url(url: str) -> httpx2.URL:
    """The URL, if one may be asked at all: http or https, a host in its usual spelling, no credentials.

    Raises `ConfigurationError`.
    """
    try:
        parsed = httpx2.URL(url.strip())
    except httpx2.InvalidURL as error:
        raise ConfigurationError(f"It is no URL: {error}.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationError("Its URL must begin with http:// or https:// and a host.")
    if parsed.userinfo:
        raise ConfigurationError("Its URL must not hold a name or a password.", next_step="Use a header or a secret.")
    _literal(parsed)
    return parsed


def _literal(url: httpx2.URL) -> IPv4Address | IPv6Address | None:
    """The address that stands in the URL itself; raises `ConfigurationError` for one in an odd spelling."""
    host = url.raw_host.decode("ascii")
    try:
        return ip_address(host)
    except ValueError:
        if _NUMERIC_END.search(host):
            raise ConfigurationError(f"{host[:60]!r} is an address in an unusual spelling.") from None
        return None


class AddressGuard:
    """Says where a host may be reached.  `allow_private` opens every address, for development."""

    def __init__(self, *, allow_private: bool = False, resolve: Resolve | None = None) -> None:
        self._allow_private = allow_private
        self._resolve = resolve or _system_resolve

    async def addresses(self, url: httpx2.URL) -> list[str]:
        """Addresses to try in turn; raises `ConfigurationError` if a single one is not public.

        Raises `httpx2.ConnectError` for a name that nobody knows.
        """
        url = checked_url(str(url))
        literal = _literal(url)
        if literal is not None:
            found: Sequence[str] = [str(literal)]
        else:
            port = url.port or (443 if url.scheme == "https" else 80)
            try:
                found = await self._resolve(url.raw_host.decode("ascii"), port)
            except (OSError, UnicodeError):  # the second for labels that no name has
                found = []
        if not found:
            raise httpx2.ConnectError(f"{url.host} has no address")
        if not self._allow_private:
            for address in found:
                self._check(url.host, address)
        return list(found)

    def _check(self, host: str, address: str) -> None:
        if not is_public(ip_address(address)):
            raise ConfigurationError(
                f"{host} is not on the public internet, and tools may reach nothing else.",
                next_step="Use a public address, or allow_private=True in development.",
            )


async def _system_resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Connects to addresses that the guard gave, while names in requests and certificates stay those of the URL.

    Proxies of the environment are not used: they would resolve names themselves.
    """

    def __init__(self, guard: AddressGuard, *, verify: ssl.SSLContext | None = None) -> None:
        """Without `verify` the system's certificates are read, which takes some 70 ms."""
        self._guard = guard
        self._verify = verify or httpx2.create_ssl_context()
        self._by_host: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it to the first address that takes the connection.

        Only a connection that could not be made leads to the next address: nothing is ever sent twice.
        """
        transport = self._transport(request.url.host)
        refused: httpx2.TransportError | None = None
        for address in await self._guard.addresses(request.url):
            try:
                return await transport.handle_async_request(_pinned(request, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                refused = error
        raise refused or httpx2.ConnectError(f"{request.url.host} has no address")

    async def aclose(self) -> None:
        for transport in self._by_host.values():
            await transport.aclose()

    def _transport(self, host: str) -> httpx2.AsyncHTTPTransport:
        # Connections are pooled by address, and a certificate was checked for one host only: each has its own pool.
        if host not in self._by_host:
            self._by_host[host] = httpx2.AsyncHTTPTransport(verify=self._verify, trust_env=False)
        return self._by_host[host]


def _pinned(request: httpx2.Request, address: str) -> httpx2.Request:
    """The request for this address.  Its `Host` header was set from the URL before."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
    )
