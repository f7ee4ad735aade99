"""The list of prices as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from getpatter.pricing.table import Entry, PriceTable

ALL_MODELS = "(all)"


@dataclass(frozen=True, slots=True)
class Line:
    """One price, or several of one unit."""

    vendor: str
    model: str
    unit: str
    prices: dict[str, str]
    """US dollars by what they are for; `price` where there is one only."""
    as_of: str
    source: str

    @property
    def text(self) -> str:
        """The prices in a cell: `0.0048`, or `input 2.5, output 10`."""
        if set(self.prices) == {"price"}:
            return self.prices["price"]
        return ", ".join(f"{name.replace('_', ' ')} {price}" for name, price in self.prices.items())


def lines(table: PriceTable, wanted: str = "") -> Iterator[Line]:
    """All prices, those of one vendor, or those of models whose names begin so, by vendor and model."""
    for name, prices in sorted(table.vendors.items()):
        whole = wanted in ("", name)
        if whole and prices.default is not None:
            yield from _lines(name, ALL_MODELS, prices.default)
        for model, entry in sorted(prices.models.items()):
            if whole or model.startswith(wanted):
                yield from _lines(name, model, entry)


def _lines(vendor: str, model: str, entry: Entry) -> Iterator[Line]:
    for rate in entry.rates:
        prices = {name: f"{price:f}" for name, price in rate.prices.items()}
        yield Line(vendor, model, rate.unit, prices, entry.as_of, entry.source)
