"""What a use costs by a list of prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from getpatter.metering import LOCAL, UNKNOWN, Product, Used
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.rates import PerMillionTokens, PerMinute, PerThousandCharacters
from getpatter.pricing.table import Charge, Entry, PriceTable, VendorPrices, cost


def entry(price: str) -> Entry:
    return Entry((PerMinute(Decimal(price)),), "2026-01-01", "comparison")


TOKENS = PerMillionTokens(input=Decimal("0.15"), output=Decimal("0.6"), cached_input=Decimal("0.075"))
TABLE = PriceTable(
    {
        "acme": VendorPrices({"one": entry("0.06"), "one-b": entry("0.12")}, default=entry("0.6")),
        "strict": VendorPrices({"only": entry("0.06")}),
        "model": VendorPrices({"m": Entry((TOKENS, PerThousandCharacters(Decimal("0.012"))), "2026-01-01", "x")}),
    }
)


@pytest.mark.parametrize(
    ("model", "micros"), [("one", 60_000), ("one-2026-01-01", 60_000), ("one-b", 120_000), ("other", 600_000)]
)
def test_the_models_own_price_goes_before_the_vendors(model: str, micros: int) -> None:
    assert cost(Used(Product("acme", model), seconds=60.0), TABLE) == micros


@pytest.mark.parametrize("product", [Product("strict", "other"), Product("strict"), Product("nobody", "only"), UNKNOWN])
def test_a_product_without_a_price_is_unknown_and_not_free(product: Product) -> None:
    assert cost(Used(product, seconds=60.0), TABLE) is None
    assert cost(Used(product), TABLE) is None


def test_nothing_used_costs_nothing() -> None:
    assert cost(Used(Product("strict", "only")), TABLE) == 0


def test_the_first_rate_counts_for_which_something_was_measured() -> None:
    assert cost(Used(Product("model", "m"), input_tokens=1000, output_tokens=100), TABLE) == 210
    assert cost(Used(Product("model", "m"), characters=1000), TABLE) == 12_000
    assert cost(Used(Product("model", "m"), seconds=5.0), TABLE) is None


def test_a_fraction_of_a_micro_dollar_is_rounded_once() -> None:
    assert cost(Used(Product("model", "m"), input_tokens=3), TABLE) == 0
    assert cost(Used(Product("model", "m"), input_tokens=4), TABLE) == 1


def test_what_the_cache_saved_is_told_with_the_cost() -> None:
    used = Used(Product("model", "m"), input_tokens=1000, cached_tokens=800)
    assert TABLE.charge(used) == Charge(90, saved_micros=60)


def test_what_runs_on_this_machine_costs_nothing_and_that_is_known() -> None:
    assert cost(Used(LOCAL), BUILT_IN) == 0
    assert cost(Used(Product("local", "whisper-small"), seconds=60.0), BUILT_IN) == 0
