"""The built-in list: dated, sourced, and right where it is known what is right."""

from __future__ import annotations

from datetime import date

import pytest

from getpatter.metering import Product
from getpatter.models.retirement import Retirement, fate
from getpatter.models.retirements import READ, RETIREMENTS
from getpatter.pricing.figures import BUILT_IN

TODAY = date.fromisoformat(READ)
ENTRIES = [
    pytest.param(entry, id=f"{vendor} {model}")
    for vendor, models in RETIREMENTS.items()
    for model, entry in models.items()
]


def ending(vendor: str, model: str) -> date | None:
    found = fate(Product(vendor, model), TODAY, RETIREMENTS)
    return None if found is None else found.on


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_says_when_and_where_it_was_read(entry: Retirement) -> None:
    assert date.fromisoformat(entry.as_of) <= TODAY
    assert entry.source.startswith("https://")


def test_vendors_are_named_as_the_price_table_names_them() -> None:
    assert set(RETIREMENTS) <= set(BUILT_IN.vendors)


@pytest.mark.parametrize(("vendor", "model"), [(v, m) for v, models in RETIREMENTS.items() for m in models])
def test_what_takes_a_models_place_outlives_it(vendor: str, model: str) -> None:
    found = fate(Product(vendor, model), TODAY, RETIREMENTS)
    assert found is not None
    assert not found.successor or ending(vendor, found.successor) is None


def test_the_models_that_people_still_use_are_listed() -> None:
    assert ending("openai", "gpt-4o-mini-2024-07-18") == date(2027, 1, 14)
    assert ending("openai", "gpt-4o-mini-tts-2025-12-15") == date(2027, 1, 6)
    assert ending("openai", "gpt-realtime-2025-08-28") == date(2027, 1, 20)
    assert ending("openai", "gpt-4o-transcribe-diarize") == date(2027, 2, 26)
    assert ending("anthropic", "claude-sonnet-4-5-20250929") == date(2026, 11, 30)
    assert ending("google", "gemini-2.5-flash") == date(2026, 12, 1)
    assert ending("groq", "llama-3.3-70b-versatile") == date(2026, 8, 16)


@pytest.mark.parametrize(
    "product",
    [
        Product("openai", "gpt-realtime-whisper"),
        Product("openai", "gpt-realtime-1.5"),
        Product("openai", "gpt-realtime-2.1-mini"),
        Product("anthropic", "claude-haiku-4-5-20251001"),
        Product("google", "gemini-2.5-flash-lite"),
        Product("google", "gemini-2.5-flash-native-audio-preview-12-2025"),
        Product("cartesia", "sonic-3"),
        Product("cartesia", "sonic-2"),
        Product("cartesia", "sonic-latest"),
        Product("azure-openai", "gpt-4o-mini"),
    ],
    ids=str,
)
def test_no_model_is_taken_for_one_that_ends(product: Product) -> None:
    assert ending(product.vendor, product.model) is None
