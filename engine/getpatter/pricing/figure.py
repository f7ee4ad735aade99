"""How the figures of the built-in list are written down."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from getpatter.pricing.rates import PerMillionTokens, PerMinute, PerThousandCharacters, Rate
from getpatter.pricing.table import Entry

COMPARISON = "comparison"
"""A list of several vendors' prices, and not the vendor's own page."""
COMPARED = "2026-05-08"
"""The day of the comparison that most figures are from."""
READ = "2026-11-21"
"""The day on which vendors' own pages were read, as stored copies of them."""


def per_minute(
    price: str, as_of: str = COMPARED, source: str = COMPARISON, *, of: Literal["audio", "session"] = "audio"
) -> Entry:
    return Entry((PerMinute(Decimal(price), of),), as_of, source)


def per_thousand(price: str, as_of: str = COMPARED, source: str = COMPARISON) -> Entry:
    return Entry((PerThousandCharacters(Decimal(price)),), as_of, source)


def tokens(
    input: str,
    output: str,
    cached: str = "",
    write: str = "",
    *,
    audio: tuple[str, str, str] | None = None,
    longest_prompt: int | None = None,
) -> PerMillionTokens:
    """`audio` is the prices of audio in, of cached audio and of audio out; an empty price is none of its own."""
    audio_in, audio_cached, audio_out = audio or ("", "", "")
    return PerMillionTokens(
        input=Decimal(input),
        output=Decimal(output),
        cached_input=_price(cached),
        cache_write=_price(write),
        input_audio=_price(audio_in),
        cached_audio=_price(audio_cached),
        output_audio=_price(audio_out),
        longest_prompt=longest_prompt,
    )


def by_tokens(
    rate: PerMillionTokens, as_of: str = COMPARED, source: str = COMPARISON, *, or_else: Rate | None = None
) -> Entry:
    """`or_else` counts where the vendor did not tell the tokens."""
    return Entry((rate,) if or_else is None else (rate, or_else), as_of, source)


def _price(text: str) -> Decimal | None:
    return Decimal(text) if text else None
