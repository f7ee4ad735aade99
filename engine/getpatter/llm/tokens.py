"""What a server says that a reply used, and whether that can be.  No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from getpatter.llm.products import exact
from getpatter.metering import MAX_COUNT, Product, Used


def count(usage: object, *path: str) -> int | None:
    """The number at the end of a path of names; None where there is none, or one that cannot be."""
    for name in path:
        usage = usage.get(name) if isinstance(usage, Mapping) else None
    if isinstance(usage, float) and usage.is_integer():
        usage = int(usage)
    if not isinstance(usage, int) or isinstance(usage, bool):
        return None
    return usage if 0 <= usage <= MAX_COUNT else None


def used_tokens(
    product: Product, served: object, read: int | None, written: int | None, *, cached: int = 0, cache_write: int = 0
) -> list[Used]:
    """What a reply used, under the name of the model that served it; nothing where neither side was counted, so that it
    will be estimated.  `read` holds the cached tokens."""
    if read is None and written is None:
        return []
    cached = min(cached, read or 0)
    return [
        Used(
            exact(product, served if isinstance(served, str) else ""),
            input_tokens=read or 0,
            output_tokens=written or 0,
            cached_tokens=cached,
            cache_write_tokens=min(cache_write, (read or 0) - cached),
        )
    ]
