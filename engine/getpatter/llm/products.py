"""Which product a reply was bought of."""

from __future__ import annotations

from dataclasses import replace

from getpatter.metering import Product


def exact(product: Product, served: str) -> Product:
    """The product under the model's name that the server gives it, where that is the more exact one: `gpt-4o-mini` is
    served as `gpt-4o-mini-2024-07-18`.  Any other name, an alias or a route of a proxy, stays as it was asked for."""
    is_more_exact = len(served) > len(product.model) and served.startswith(product.model)
    return replace(product, model=served) if product.model and is_more_exact else product
