"""A list of prices, and what a use costs by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from getpatter.metering import Product, Used
from getpatter.models.matching import longest_prefix
from getpatter.pricing.rates import MILLION, PerMillionTokens, Rate

Unit = Literal["minute", "1k_characters", "million_tokens"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one product costs.  Of several `rates` the first counts for which something was measured."""

    rates: tuple[Rate, ...]
    as_of: str
    """The day of the figure, ISO 8601."""
    source: str
    """The vendor's page that says so; `comparison` where only a list of several vendors' prices does."""


@dataclass(frozen=True, slots=True)
class VendorPrices:
    models: Mapping[str, Entry] = field(default_factory=dict)
    default: Entry | None = None
    """For all other models; only where the vendor has one price for all."""
    unit: Unit | None = None
    """In which its own models are counted where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Charge:
    """In micro-dollars; `micros` is None where it is not known, which is not nothing."""

    micros: int | None
    saved_micros: int = 0
    """What the vendor's cache saved against the full price."""


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by vendor and model, as `metering.Product` names them."""

    vendors: Mapping[str, VendorPrices]

    def find(self, product: Product) -> Entry | None:
        """The entry of the model (`matching.longest_prefix`), else that of all of the vendor's models."""
        vendor = self.vendors.get(product.vendor)
        if vendor is None:
            return None
        name = longest_prefix(product.model, vendor.models)
        return vendor.default if name is None else vendor.models[name]

    def charge(self, used: Used) -> Charge:
        entry = self.find(used.product)
        if entry is None:
            return Charge(None)
        if nothing(used):
            return Charge(0)
        for rate in entry.rates:
            dollars = rate.dollars(used)
            if dollars is not None:
                saved = rate.saved(used) if isinstance(rate, PerMillionTokens) else Decimal(0)
                return Charge(to_micros(dollars), to_micros(saved))
        return Charge(None)


def cost(used: Used, table: PriceTable) -> int | None:
    """Micro-dollars; None where the price, or the quantity that it is for, is not known."""
    return table.charge(used).micros


def nothing(used: Used) -> bool:
    """Whether nothing at all was measured."""
    return not (used.seconds > 0 or used.characters or used.input_tokens or used.output_tokens)


def to_micros(dollars: Decimal) -> int:
    return int((dollars * MILLION).to_integral_value(ROUND_HALF_UP))
