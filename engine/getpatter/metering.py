"""What a call used of its providers, in the units in which they are paid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

MAX_COUNT: Final = 1_000_000_000
"""Tokens of one kind in one answer: no model has a thousandth of it."""


@dataclass(frozen=True, slots=True)
class Product:
    """What is bought: a vendor and its model, as the price table names both, e.g. `Product("deepgram", "nova-3")`."""

    vendor: str
    model: str = ""

    def __str__(self) -> str:
        return f"{self.vendor}/{self.model}" if self.model else self.vendor


LOCAL = Product("local")
"""Runs on this machine and costs nothing."""
UNKNOWN = Product("")
"""Nobody can say what it costs."""


@dataclass(frozen=True, slots=True)
class Used:
    """How much of one product; what does not apply to it is 0.

    `seconds` are of audio, or of an open session where that is what the vendor counts.  `input_tokens` and
    `output_tokens` are sums that hold the cached and the audio tokens; `cached_tokens` holds those of audio, too.
    """

    product: Product
    seconds: float = 0.0
    characters: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    cached_audio_tokens: int = 0
    estimated: bool = False
    """Counted by us, because the vendor did not tell."""

    def plus(self, other: Used) -> Used:
        """The sum of two uses of one product."""
        return replace(
            self,
            seconds=self.seconds + other.seconds,
            characters=self.characters + other.characters,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            input_audio_tokens=self.input_audio_tokens + other.input_audio_tokens,
            output_audio_tokens=self.output_audio_tokens + other.output_audio_tokens,
            cached_audio_tokens=self.cached_audio_tokens + other.cached_audio_tokens,
            estimated=self.estimated or other.estimated,
        )


def counted(told: object) -> int:
    """A count as somebody else told it; 0 for what cannot be one, since sums are kept in 64 bits."""
    return told if type(told) is int and 0 <= told <= MAX_COUNT else 0


def totals(uses: Iterable[Used]) -> tuple[Used, ...]:
    """One entry a product, in the order in which they were used first."""
    found: dict[Product, Used] = {}
    for used in uses:
        known = found.get(used.product)
        found[used.product] = used if known is None else known.plus(used)
    return tuple(found.values())


@runtime_checkable
class Metered(Protocol):
    """A recognition, voice or session that somebody is paid for."""

    @property
    def used(self) -> tuple[Used, ...]:
        """What it has used so far, one entry a product."""


def used_by(anything: object) -> tuple[Used, ...]:
    """What it has used; nothing where it is not metered, since then it runs on this machine."""
    return anything.used if isinstance(anything, Metered) else ()
