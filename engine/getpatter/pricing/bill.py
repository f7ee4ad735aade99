"""Sums of which a part may be unknown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bill:
    """`micros` is what is known; None where nothing is.  With `unknown` the whole is at least that."""

    micros: int | None = None
    unknown: bool = False
    """Something in it has no known price."""
    estimated: bool = False
    """Something in it was not counted by the vendor."""

    def plus(self, micros: int | None, *, estimated: bool = False) -> Bill:
        """With one more part; None is a part that is not known."""
        return Bill(
            self.micros if micros is None else (self.micros or 0) + micros,
            self.unknown or micros is None,
            self.estimated or estimated,
        )


def total(bills: Iterable[Bill]) -> Bill:
    """All of them together.  One that was never added to counts for nothing."""
    known: int | None = None
    unknown = estimated = False
    for bill in bills:
        if bill.micros is not None:
            known = (known or 0) + bill.micros
        unknown |= bill.unknown
        estimated |= bill.estimated
    return Bill(known, unknown, estimated)
