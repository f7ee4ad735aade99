"""What is known today of the end of a model that is used, and the one line in the log about it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import lru_cache

from getpatter.metering import Product
from getpatter.models.retirement import Fate, fate
from getpatter.models.retirements import RETIREMENTS

log = logging.getLogger(__name__)


def end_of(product: Product) -> Fate | None:
    """None where no end of it is known."""
    found = fate(product, datetime.now(UTC).date(), RETIREMENTS)
    return found if found is not None and found.ends else None


@lru_cache(maxsize=256)
def warn_of_end(product: Product) -> None:
    """Once of each product in a process: providers are made, and opened, many times."""
    if (end := end_of(product)) is not None:
        log.warning("%s by %s: %s", end.told, product.vendor, end.advice)
