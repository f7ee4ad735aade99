"""Which signed requests have been here before."""

from __future__ import annotations

from typing import Final

from getpatter.clock import Clock

RETRIED_S: Final = 60.0
"""Plivo repeats a request that got no answer for up to 55 s, whether with a nonce of its own it does not say:
https://www.plivo.com/docs/voice/concepts/callback-configurations"""
MAX_SEEN: Final = 20_000
"""The oldest are forgotten: of those, a replay can no longer be told from a first."""


class SeenNonces:
    """Tells a replay from a retry: a request that was first here longer ago than Plivo retries is no retry.  No I/O."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._first_seen: dict[str, float] = {}

    def is_replay(self, nonce: str) -> bool:
        """Whether this nonce, of a request whose signature is right, comes too late to be a retry."""
        now = self._clock.now()
        first = self._first_seen.setdefault(nonce, now)
        if len(self._first_seen) > MAX_SEEN:
            del self._first_seen[next(iter(self._first_seen))]
        return now - first > RETRIED_S
