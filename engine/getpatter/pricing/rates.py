"""The units in which vendors count, and the arithmetic of each.

Prices are US dollars in `Decimal`, as vendors print them: at $0.15 a million, one token costs a fraction of a
micro-dollar.  They become whole micro-dollars once, where a use is charged (`pricing.table`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from getpatter.metering import Used

MILLION = 1_000_000
THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class Free:
    """Nobody is paid."""

    @property
    def unit(self) -> str:
        return "free"

    @property
    def prices(self) -> Mapping[str, Decimal]:
        return {"price": Decimal(0)}

    def dollars(self, used: Used) -> Decimal | None:
        return Decimal(0)


@dataclass(frozen=True, slots=True)
class PerMinute:
    """`of` says what lasts: the audio, the session for as long as it is open, or the call."""

    price: Decimal
    of: Literal["audio", "session", "call"] = "audio"
    begun: bool = False
    """Minutes are paid whole once they are begun."""

    @property
    def unit(self) -> str:
        return f"minute of {self.of}" + (", begun" if self.begun else "")

    @property
    def prices(self) -> Mapping[str, Decimal]:
        return {"price": self.price}

    def dollars(self, used: Used) -> Decimal | None:
        """None where no time was measured."""
        if used.seconds <= 0:
            return None
        minutes = Decimal(str(used.seconds)) / 60
        if self.begun:
            minutes = minutes.to_integral_value(ROUND_CEILING)
        return minutes * self.price


@dataclass(frozen=True, slots=True)
class PerThousandCharacters:
    price: Decimal

    @property
    def unit(self) -> str:
        return "1,000 characters"

    @property
    def prices(self) -> Mapping[str, Decimal]:
        return {"price": self.price}

    def dollars(self, used: Used) -> Decimal | None:
        """None where no characters were counted."""
        return used.characters * self.price / THOUSAND if used.characters > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerMillionTokens:
    """Each kind of token has its price.  Where a vendor names none for cached tokens, or for writing them into its
    cache, they cost what other input does."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    input_audio: Decimal | None = None
    cached_audio: Decimal | None = None
    output_audio: Decimal | None = None
    longest_prompt: int | None = None
    """Input tokens of one reply above which other prices hold, which are not known here."""

    @property
    def unit(self) -> str:
        return "million tokens"

    @property
    def prices(self) -> Mapping[str, Decimal]:
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: price for name, price in named.items() if isinstance(price, Decimal)}

    def dollars(self, used: Used) -> Decimal | None:
        """None where no tokens were counted, or tokens of a kind that has no price here."""
        if used.input_tokens + used.output_tokens <= 0 or self._too_long(used):
            return None
        if (used.input_audio_tokens and self.input_audio is None) or (
            used.output_audio_tokens and self.output_audio is None
        ):
            return None
        input_audio, output_audio = self.input_audio or self.input, self.output_audio or self.output
        cached_text, cached_audio = _cached(used)
        plain_audio = max(0, used.input_audio_tokens - cached_audio)
        written = used.cache_write_tokens
        plain_text = max(0, used.input_tokens - used.input_audio_tokens - cached_text - written)
        return (
            plain_text * self.input
            + cached_text * _or(self.cached_input, self.input)
            + written * _or(self.cache_write, self.input)
            + plain_audio * input_audio
            + cached_audio * _or(self.cached_audio, input_audio)
            + max(0, used.output_tokens - used.output_audio_tokens) * self.output
            + used.output_audio_tokens * output_audio
        ) / MILLION

    def saved(self, used: Used) -> Decimal:
        """What cached tokens cost less than they would have cost otherwise."""
        cached_text, cached_audio = _cached(used)
        input_audio = self.input_audio or self.input
        off_text = self.input - _or(self.cached_input, self.input)
        off_audio = input_audio - _or(self.cached_audio, input_audio)
        return (cached_text * off_text + cached_audio * off_audio) / MILLION

    def _too_long(self, used: Used) -> bool:
        return self.longest_prompt is not None and used.input_tokens > self.longest_prompt


Rate = Free | PerMinute | PerThousandCharacters | PerMillionTokens


def _cached(used: Used) -> tuple[int, int]:
    """Cached tokens of text and of audio; no more than there were, whatever the vendor says."""
    cached = min(used.cached_tokens, used.input_tokens)
    audio = min(used.cached_audio_tokens, cached)
    return cached - audio, audio


def _or(price: Decimal | None, otherwise: Decimal) -> Decimal:
    return otherwise if price is None else price
