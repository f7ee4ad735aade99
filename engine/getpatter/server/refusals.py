"""Turning requests away: counted, told once in the log, and kept as a security event."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from getpatter.clock import Clock
from getpatter.server.masking import masked
from getpatter.server.peers import PeerLimits, TrustedProxies
from getpatter.server.recently import Recently
from getpatter.store.incidents import Kind

log = logging.getLogger(__name__)

TOLD_S: Final = 60.0
"""How long a refusal of the same kind and peer is not told again in the log."""
TOLD: Final = 200
"""Lines in that time; further ones are left out.  All are counted as security events."""
FAULTS: Final = 20
"""Faults of ours in that time that are told."""

# By these a peer spends its budget.  What was signed and is old or malformed came from the carrier.
_STRANGERS: Final[frozenset[Kind]] = frozenset(
    {"invalid_signature", "bad_token", "no_token", "malformed", "too_large", "unknown_path"}
)


class Incidents(Protocol):
    """`store.incidents.IncidentLog`, as far as the edge uses it."""

    def note(self, kind: Kind, *, carrier: str = "", path: str = "", peer: str = "", detail: str = "") -> None:
        """Keep a refusal; returns at once."""


class Unnoted:
    """Keeps nothing."""

    def note(self, kind: Kind, *, carrier: str = "", path: str = "", peer: str = "", detail: str = "") -> None:
        pass


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked, and for what; `path` has no query."""

    peer: str
    path: str


class Refusals:
    """Everything that the carrier listener turns away comes by here."""

    def __init__(self, carrier: str, incidents: Incidents, clock: Clock, trusted_proxies: Sequence[str] = ()) -> None:
        self._carrier = carrier
        self._incidents = incidents
        self._proxies = TrustedProxies(trusted_proxies)
        self._limits = PeerLimits(clock)
        self._told: Recently[tuple[Kind, str], bool] = Recently(clock, seconds=TOLD_S, most=TOLD)
        self._faults: Recently[str, bool] = Recently(clock, seconds=TOLD_S, most=FAULTS)

    def asked(self, address: str, forwarded_for: str, path: str) -> Asked:
        """`address` is the connection's, without its port."""
        return Asked(self._proxies.peer(address, forwarded_for), masked(path))

    def exhausted(self, asked: Asked) -> bool:
        """The peer has been refused too often: only what may be the carrier's is worth a `look`."""
        return self._limits.exhausted(asked.peer)

    def look(self, asked: Asked, size: int) -> bool:
        """Whether a request, of `size` bytes, may be verified: any of a peer that is not exhausted, and of the others
        as many as there is time for."""
        return not self._limits.exhausted(asked.peer) or self._limits.look(size)

    def refused(self, kind: Kind, asked: Asked, why: str) -> None:
        """`why` is for the operator: it may quote the request, but never a secret.  Of a peer that is exhausted no more
        is kept than how many there were."""
        if self._limits.exhausted(asked.peer):
            self._note("too_many", Asked(asked.peer, ""), "refused too often")
            return
        if kind in _STRANGERS:
            self._limits.refused(asked.peer)
        self._note(kind, asked, masked(why))

    def fault(self, error: Exception) -> None:
        """Something of ours broke on what anybody may have sent."""
        kind = type(error).__qualname__
        if len(self._faults) < FAULTS and self._faults.get(kind) is None:
            self._faults.put(kind, True)
            log.error("a request could not be verified", exc_info=error)

    def unreadable(self, asked: Asked, why: str) -> None:
        """A request that the carrier did sign, and that says what we do not understand."""
        log.warning("a webhook at %s could not be read: %s", asked.path, masked(why))
        self._incidents.note(
            "malformed", carrier=self._carrier, path=asked.path, peer=asked.peer, detail="signed by the carrier"
        )

    def accepted(self, asked: Asked) -> None:
        """The carrier itself speaks from this peer's address."""
        self._limits.accepted(asked.peer)

    def _note(self, kind: Kind, asked: Asked, why: str) -> None:
        self._incidents.note(kind, carrier=self._carrier, path=asked.path, peer=asked.peer, detail=why)
        if len(self._told) < TOLD and self._told.get((kind, asked.peer)) is None:
            self._told.put((kind, asked.peer), True)
            log.warning("refused %s from %s (%s): %s", asked.path or "requests", asked.peer, kind, why)
