"""How long to wait before the next attempt."""

from __future__ import annotations


class Backoff:
    """Twice as long after each failure, from `first_s` up to `longest_s`."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Seconds to wait now."""
        wait_s, self._next_s = self._next_s, min(2 * self._next_s, self._longest_s)
        return wait_s

    def lived(self, seconds: float) -> None:
        """What was started lasted this long; one that outlived the longest wait was no failure."""
        if seconds >= self._longest_s:
            self._next_s = self._first_s
