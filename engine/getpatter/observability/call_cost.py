"""What one call cost, as attributes of its span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from getpatter.events import CallPriced, ProviderUsed, UsedFor
from getpatter.metering import Used
from getpatter.pricing.bill import Bill

Value = str | int | float | Sequence[str]

_MICROS: Final = 1_000_000
_PARTS: Final[Mapping[UsedFor, str]] = {"stt": "stt", "llm": "llm", "tts": "tts", "engine": "realtime"}
"""Names of attributes speak of a speech-to-speech engine as `realtime`."""


class CallCost:
    """Sums up what the providers of one call were used for; every call needs its own."""

    def __init__(self) -> None:
        self._bills: dict[UsedFor, Bill] = {}
        self._amounts: dict[str, int | float] = {}
        self._providers: dict[str, str] = {}

    def apply(self, used: ProviderUsed) -> None:
        part = _PARTS[used.kind]
        bill = self._bills.get(used.kind, Bill())
        self._bills[used.kind] = bill.plus(used.cost_micros, estimated=used.used.estimated)
        for name, amount in _amounts(part, used.used).items():
            self._amounts[name] = self._amounts.get(name, 0) + amount
        if vendor := used.used.product.vendor:
            self._providers[f"patter.{part}.provider"] = vendor

    @property
    def attributes(self) -> dict[str, Value]:
        """Amounts that were counted, and prices in US dollars.

        A part of which anything has no known price has none, and is named by `patter.cost.unknown`.
        """
        found: dict[str, Value] = {**self._providers, **self._amounts}
        for kind, bill in self._bills.items():
            if bill.micros is not None and not bill.unknown:
                found[f"patter.cost.{_PARTS[kind]}_usd"] = bill.micros / _MICROS
        if unknown := [_PARTS[kind] for kind, bill in self._bills.items() if bill.unknown]:
            found["patter.cost.unknown"] = unknown
        if estimated := [_PARTS[kind] for kind, bill in self._bills.items() if bill.estimated]:
            found["patter.cost.estimated"] = estimated
        return found


def telephony_minutes(duration_s: float) -> dict[str, Value]:
    """How long the line was open; nothing where nobody answered."""
    return {"patter.cost.telephony_minutes": duration_s / 60} if duration_s else {}


def telephony_price(priced: CallPriced) -> dict[str, Value]:
    """What the carrier charges, in `patter.cost.currency`."""
    return {
        "patter.cost.telephony": priced.amount_micros / _MICROS,
        "patter.cost.currency": priced.currency,
        "patter.cost.source": priced.source,
    }


def _amounts(part: str, used: Used) -> dict[str, int | float]:
    """What applies to the product, by attribute."""
    timed = "minutes" if part == "realtime" else "seconds"
    counted = {
        timed: used.seconds / 60 if part == "realtime" else used.seconds,
        "chars": used.characters,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "cached_tokens": used.cached_tokens,
    }
    return {f"patter.cost.{part}_{unit}": amount for unit, amount in counted.items() if amount}
