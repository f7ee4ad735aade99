"""Percentiles of the parts of response times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from getpatter.events import TurnLatency

PARTS: tuple[str, ...] = TurnLatency.__struct_fields__
"""Names of the parts of a response time, the whole (`response_ms`) among them."""


class Spread(NamedTuple):
    """Four percentiles, in the unit of the values."""

    p50: float
    p90: float
    p95: float
    p99: float


def percentile(ordered: Sequence[float], q: float) -> float:
    """The q-th percentile (0 to 100) of values in ascending order, at least one, by linear interpolation between the
    two nearest ranks (method 7 of Hyndman and Fan, the default of numpy and of spreadsheets)."""
    rank = (len(ordered) - 1) * q / 100
    below = int(rank)
    if below + 1 == len(ordered):
        return ordered[below]
    return ordered[below] + (ordered[below + 1] - ordered[below]) * (rank - below)


def spread(values: Iterable[float]) -> Spread | None:
    """The percentiles of the values; None when there are none."""
    ordered = sorted(values)
    return Spread(*(percentile(ordered, q) for q in (50, 90, 95, 99))) if ordered else None


def observed(latency: TurnLatency) -> dict[str, float]:
    """The parts that were observed, by name."""
    parts: dict[str, float] = msgspec.to_builtins(latency)
    return parts


def spreads(latencies: Iterable[TurnLatency]) -> dict[str, Spread]:
    """The percentiles of each part by name.

    A part that no turn observed is absent.  A zero counts as not observed: it stands for a step that was done before
    it was needed, and would hide how long the step takes where it is not.
    """
    values: dict[str, list[float]] = {}
    for latency in latencies:
        for part, ms in observed(latency).items():
            if ms:
                values.setdefault(part, []).append(ms)
    return {part: found for part in PARTS if (found := spread(values.get(part, ()))) is not None}
