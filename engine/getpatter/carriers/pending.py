"""What a carrier is to be given later, when it asks for it: so that neither numbers nor words stand in a URL."""

from __future__ import annotations

import secrets
from typing import Final

from getpatter.clock import Clock

KEPT_S: Final = 3600.0
"""Longest that a document waits: calls beyond the account's rate stand in the carrier's queue before they ring."""
RETRIED_S: Final = 60.0
"""How long after a fetch it may be fetched again: carriers repeat a request without an answer, Plivo for up to 55 s."""
MAX_KEPT: Final = 10_000
"""The oldest give way."""


class PendingDocuments:
    """Documents of one carrier, by key.  No I/O."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._documents: dict[str, tuple[bytes, float]] = {}

    def keep(self, document: bytes, key: str = "") -> str:
        """The key under which `document` can be fetched; where none is given, one that cannot be guessed."""
        self._drop_stale()
        if len(self._documents) >= MAX_KEPT:
            del self._documents[next(iter(self._documents))]
        key = key or secrets.token_urlsafe(18)
        self._documents[key] = (document, self._clock.now() + KEPT_S)
        return key

    def fetch(self, key: str) -> bytes | None:
        """The document, from now on for no longer than a repeat of this request may take; None for an unknown key."""
        document, until = self._documents.get(key, (b"", 0.0))
        now = self._clock.now()
        if until <= now:
            return None
        self._documents[key] = (document, min(until, now + RETRIED_S))
        return document

    def drop(self, key: str) -> None:
        self._documents.pop(key, None)

    def __len__(self) -> int:
        return len(self._documents)

    def _drop_stale(self) -> None:
        now = self._clock.now()
        for key in [key for key, (_, until) in self._documents.items() if until <= now]:
            del self._documents[key]
