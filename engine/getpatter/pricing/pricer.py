"""Prices uses as they happen, and says once of each product what will be missing from the record."""

from __future__ import annotations

import logging

from getpatter.metering import Product, Used
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.table import Charge, PriceTable

log = logging.getLogger(__name__)


class Pricer:
    """One for all calls of a process."""

    def __init__(self, table: PriceTable = BUILT_IN) -> None:
        self.table = table
        self._unpriced: set[Product] = set()
        self._uncounted: set[Product] = set()

    def charge(self, used: Used) -> Charge:
        charge = self.table.charge(used)
        product = used.product
        if charge.micros is None and product not in self._unpriced:
            self._unpriced.add(product)
            log.warning(
                "the price of %s is not known: what it costs is shown as unknown (PATTER_PRICING sets prices)",
                str(product) or "a provider that does not say what it is",
            )
        if used.estimated and product not in self._uncounted:
            self._uncounted.add(product)
            log.warning(
                "%s does not always tell what it used: such figures are estimates", str(product) or "a provider"
            )
        return charge
