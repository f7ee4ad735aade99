"""Who may speak to the private listener."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from getpatter.errors import AccessDenied

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a request pass that holds the token and names a host we are known by.

    The host is checked because a page in the user's browser can point its own domain at 127.0.0.1 (DNS rebinding) and
    would otherwise reach the listener as if it were its own site.
    """

    token: str = field(repr=False)
    hosts: frozenset[str] = LOOPBACK_HOSTS

    def __post_init__(self) -> None:
        if not self.token:
            raise ValueError("an empty token would let everybody in")

    @classmethod
    def for_hosts(cls, token: str, hosts: Iterable[str]) -> Guard:
        """A guard that knows `hosts` (names without a port) beside the loopback ones."""
        return cls(token, LOOPBACK_HOSTS | {host.lower() for host in hosts})

    def check(self, headers: Mapping[str, str]) -> None:
        """Raises `AccessDenied`.  `headers` has lower-case names or ignores case."""
        host = headers.get("host", "")
        if _hostname(host) not in self.hosts:
            raise AccessDenied(
                f"This server is not known as {host!r}.",
                next_step="Use its loopback address, or add the name to the allowed hosts.",
            )
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not _same(given.strip(), self.token):
            raise AccessDenied(
                "The bearer token is missing or wrong.",
                next_step="Send `Authorization: Bearer <token>` with the token in engine.json in PATTER_HOME.",
            )


def _hostname(host: str) -> str:
    """The Host header without its port."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def _same(given: str, expected: str) -> bool:
    # compare_digest refuses non-ASCII text, which a header may hold.
    return hmac.compare_digest(given.encode(), expected.encode())
