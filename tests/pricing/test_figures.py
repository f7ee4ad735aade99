"""The built-in list: complete, dated, sourced, and right where it is known what is right."""

from __future__ import annotations

import re
from datetime import date

import pytest

from getpatter.carriers.accounts import ACCOUNTS
from getpatter.metering import Product, Used
from getpatter.pricing.figure import COMPARISON
from getpatter.pricing.figures import BUILT_IN, UPDATED, VERSION
from getpatter.pricing.table import Entry, cost

ENTRIES = [
    pytest.param(entry, id=f"{vendor} {model}")
    for vendor, prices in BUILT_IN.vendors.items()
    for model, entry in [*prices.models.items(), *([("", prices.default)] if prices.default is not None else [])]
]
VENDORS = (
    "deepgram assemblyai cartesia soniox speechmatics openai elevenlabs rime lmnt inworld anthropic google groq "
    "cerebras ultravox telnyx"
)


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_figure_says_when_and_where_it_was_found(entry: Entry) -> None:
    assert date.fromisoformat(entry.as_of) <= date.fromisoformat(UPDATED)
    assert entry.source == COMPARISON or entry.source.startswith("https://") or entry.source == "runs on this machine"
    assert entry.rates
    assert all(price >= 0 for rate in entry.rates for price in rate.prices.values())


def test_the_version_is_the_month_of_the_latest_figure() -> None:
    assert re.fullmatch(r"\d{4}\.\d{1,2}", VERSION)
    assert max(entry.values[0].as_of for entry in ENTRIES) == UPDATED  # type: ignore[union-attr]


def test_every_vendor_is_listed() -> None:
    assert set(VENDORS.split()) | set(ACCOUNTS) <= set(BUILT_IN.vendors)


@pytest.mark.parametrize(
    ("used", "micros"),
    [
        (Used(Product("deepgram", "nova-3"), seconds=60.0), 4_800),
        (Used(Product("deepgram", "nova-3-multilingual"), seconds=60.0), 5_800),
        (Used(Product("deepgram", "flux-general-en"), seconds=60.0), 6_500),
        (Used(Product("assemblyai", "universal-streaming-english"), seconds=3600.0), 150_000),
        (Used(Product("soniox", "stt-rt-v4"), seconds=3600.0), 120_000),
        (Used(Product("speechmatics"), seconds=3600.0), 240_000),
        (Used(Product("openai", "whisper-1"), seconds=60.0), 6_000),
        (Used(Product("elevenlabs", "eleven_flash_v2_5"), characters=1000), 50_000),
        (Used(Product("elevenlabs", "eleven_multilingual_v2"), characters=1000), 100_000),
        (Used(Product("elevenlabs", "eleven_v3"), characters=1000), 100_000),
        (Used(Product("deepgram", "aura-2-thalia-en"), characters=1000), 30_000),
        (Used(Product("lmnt", "blizzard"), characters=1000), 50_000),
        (Used(Product("anthropic", "claude-haiku-4-5-20251001"), input_tokens=1_000_000), 1_000_000),
        (Used(Product("anthropic", "claude-opus-4-7"), output_tokens=1_000_000), 25_000_000),
        (Used(Product("google", "gemini-2.5-flash"), output_tokens=1_000_000), 2_500_000),
        (Used(Product("google", "gemini-3.5-flash-lite"), output_tokens=1_000_000), 2_500_000),
        (Used(Product("openai", "gpt-6-luna"), input_tokens=200_000, output_tokens=1_000_000), 520_000),
        (Used(Product("openai", "gpt-6-luna"), input_tokens=300_000), None),
        (Used(Product("groq", "llama-3.3-70b-versatile"), input_tokens=1_000_000), 590_000),
        (Used(Product("cerebras", "gpt-oss-120b"), input_tokens=1_000_000), 350_000),
        (Used(Product("ultravox", "ultravox-v0.7"), seconds=60.0), 50_000),
        (Used(Product("openai", "gpt-realtime"), output_tokens=1_000_000, output_audio_tokens=1_000_000), 64_000_000),
        (Used(Product("openai", "gpt-realtime-2"), output_tokens=1_000_000), 24_000_000),
        (Used(Product("telnyx", "KokoroTTS"), characters=1000), None),
        (Used(Product("openai", "gpt-6"), input_tokens=1000), None),
    ],
    ids=lambda value: str(value.product) if isinstance(value, Used) else None,
)
def test_the_model_actually_used_is_what_is_priced(used: Used, micros: int | None) -> None:
    assert cost(used, BUILT_IN) == micros
