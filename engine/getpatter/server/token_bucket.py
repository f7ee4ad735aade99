"""How much of something may happen: a little at once, and then so much a second."""

from __future__ import annotations


class TokenBucket:
    """Holds `burst` tokens and gains `per_s` a second.  `now` is monotonic seconds."""

    def __init__(self, burst: float, per_s: float, now: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._tokens = burst
        self._at = now

    def empty(self, now: float) -> bool:
        self._fill(now)
        return self._tokens < 1

    def spend(self, now: float) -> None:
        """Take one token, or what is left of one."""
        self._fill(now)
        self._tokens = max(0.0, self._tokens - 1)

    def take(self, tokens: float, now: float) -> bool:
        """Take as many as that, or none; False where there are not so many."""
        self._fill(now)
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        return True

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s)
        self._at = now
