"""Percentiles of response times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from getpatter.events import TurnLatency

PARTS: tuple[str, ...] = TurnLatency.__struct_fields__
"""Names of the parts of a response time, the whole (`response_ms`) among them."""


class Spread(NamedTuple):
    """Two percentiles, in the unit of the values."""

    p50: float
    p95: float


def percentile(ordered: Sequence[float], q: float) -> float:
    """The q-th percentile (0 to 100) of values in ascending order, at least one, by linear interpolation between the
    two nearest ranks (method 7 of Hyndman and Fan, the default of numpy and of spreadsheets)."""
    rank = (len(ordered) - 1) * q / 100
    below = int(rank)
    if below + 1 == len(ordered):
        return ordered[below]
    return ordered[below] + (ordered[below + 1] - ordered[below]) * (rank - below)


def spread(values: Iterable[float]) -> Spread | None:
    """Median and 95th percentile; None when there are no values."""
    ordered = sorted(values)
    return Spread(percentile(ordered, 50), percentile(ordered, 95)) if ordered else None
