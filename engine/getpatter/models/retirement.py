"""How long vendors serve their models: what is known of one on a given day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from getpatter.metering import Product
from getpatter.models.matching import longest_prefix

Standing = Literal["alive", "retiring", "retired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """One model's, as its vendor announced it."""

    on: date | None = None
    """The first day without it; None where the vendor says that it has announced none."""
    successor: str = ""
    """What the vendor names in its place, where that speaks the same protocol; it may retire, too."""
    as_of: str
    """The day on which the source was read, ISO 8601."""
    source: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What is known of a model on one day."""

    model: str
    standing: Standing
    on: date | None = None
    """The day of its retirement; None where it is alive."""
    successor: str = ""
    """What outlives it, in the same place; empty where nothing is known to."""

    @property
    def ends(self) -> bool:
        return self.standing != "alive"

    @property
    def told(self) -> str:
        """What happens to it, as a clause, e.g. `gpt-4o-mini is retired on 2027-01-14`."""
        if self.on is None:
            return f"{self.model} has no day of retirement"
        return f"{self.model} {'was' if self.standing == 'retired' else 'is'} retired on {self.on.isoformat()}"

    @property
    def advice(self) -> str:
        return f"use {self.successor}" if self.successor else "use another model"


RetirementTable = Mapping[str, Mapping[str, Retirement]]
"""By vendor and model, as `metering.Product` names them."""


def fate(product: Product, today: date, table: RetirementTable) -> Fate | None:
    """What is known of `product` on the day `today`; None where nothing is.

    A dated snapshot shares its model's fate (`matching.longest_prefix`) unless it has one of its own.
    """
    models = table.get(product.vendor, {})
    found = _entry(product.model, models)
    if found is None:
        return None
    if found.on is None:
        return Fate(product.model, "alive")
    standing: Standing = "retired" if found.on <= today else "retiring"
    return Fate(product.model, standing, found.on, _lasting(found, models))


def _lasting(retirement: Retirement, models: Mapping[str, Retirement]) -> str:
    """The last of its successors, of which no end is known."""
    passed: set[str] = set()
    while retirement.successor not in passed:
        passed.add(retirement.successor)
        following = _entry(retirement.successor, models)
        if following is None or following.on is None:
            return retirement.successor
        retirement = following
    return ""


def _entry(model: str, models: Mapping[str, Retirement]) -> Retirement | None:
    name = longest_prefix(model, models)
    return None if name is None else models[name]
