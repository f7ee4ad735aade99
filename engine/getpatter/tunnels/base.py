"""What a tunnel is to the rest of the house."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Moved = Callable[[str], None]
"""Told the new public URL; called on the event loop, and must return at once."""


class Tunnel(Protocol):
    """Leads a public URL to a port of this machine's loopback address."""

    async def open(self, port: int, moved: Moved) -> str:
        """The public URL, without a slash at its end; `moved` is told each other one that takes its place later.

        Has a deadline of its own.  Raises `ConfigurationError`, which says what is missing.
        """

    async def close(self) -> None:
        """End it.  May be called twice, and without `open`."""
