"""The arithmetic of each unit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.metering import Product, Used
from getpatter.pricing.rates import Free, PerMillionTokens, PerMinute, PerThousandCharacters, Rate

PRODUCT = Product("acme", "m")
TEXT = PerMillionTokens(input=Decimal(10), output=Decimal(20), cached_input=Decimal(1), cache_write=Decimal(12))
AUDIO = PerMillionTokens(
    input=Decimal(4),
    output=Decimal(16),
    cached_input=Decimal("0.4"),
    input_audio=Decimal(32),
    cached_audio=Decimal("0.5"),
    output_audio=Decimal(64),
)


def used(**quantities: float) -> Used:
    return Used(PRODUCT, **quantities)  # type: ignore[arg-type]  # each test names quantities of the right kind


def test_time_is_paid_to_the_second() -> None:
    assert PerMinute(Decimal("0.0048")).dollars(used(seconds=90.0)) == Decimal("0.0072")


@pytest.mark.parametrize(("seconds", "minutes"), [(0.2, 1), (59.9, 1), (60.0, 1), (60.1, 2), (600.0, 10)])
def test_minutes_that_are_paid_whole_are_paid_once_they_are_begun(seconds: float, minutes: int) -> None:
    assert PerMinute(Decimal("0.014"), "call", begun=True).dollars(used(seconds=seconds)) == minutes * Decimal("0.014")


def test_characters_are_paid_by_the_thousand() -> None:
    assert PerThousandCharacters(Decimal("0.05")).dollars(used(characters=40)) == Decimal("0.002")


def test_cached_and_written_tokens_are_part_of_the_input_and_paid_apart() -> None:
    reply = used(input_tokens=1000, cached_tokens=600, cache_write_tokens=100, output_tokens=50)
    assert TEXT.dollars(reply) == Decimal(300 * 10 + 600 * 1 + 100 * 12 + 50 * 20) / 1_000_000
    assert TEXT.saved(reply) == Decimal(600 * 9) / 1_000_000


def test_tokens_of_audio_are_paid_apart_from_those_of_text() -> None:
    response = used(
        input_tokens=1000,
        input_audio_tokens=700,
        cached_tokens=500,
        cached_audio_tokens=400,
        output_tokens=300,
        output_audio_tokens=200,
    )
    text = 200 * 4 + 100 * Decimal("0.4") + 100 * 16
    audio = 300 * 32 + 400 * Decimal("0.5") + 200 * 64
    assert AUDIO.dollars(response) == (text + audio) / 1_000_000
    assert AUDIO.saved(response) == (100 * Decimal("3.6") + 400 * Decimal("31.5")) / 1_000_000


def test_more_cached_tokens_than_there_were_are_not_paid() -> None:
    assert TEXT.dollars(used(input_tokens=10, cached_tokens=1_000_000)) == Decimal("0.00001")
    assert TEXT.saved(used(input_tokens=10, cached_tokens=1_000_000)) == Decimal("0.00009")


def test_a_vendor_without_a_price_for_cached_tokens_takes_the_full_one() -> None:
    plain = PerMillionTokens(input=Decimal(10), output=Decimal(20))
    assert plain.dollars(used(input_tokens=100, cached_tokens=50, cache_write_tokens=50)) == Decimal("0.001")
    assert plain.saved(used(input_tokens=100, cached_tokens=50)) == 0


@pytest.mark.parametrize(
    ("rate", "quantities"),
    [
        (PerMinute(Decimal(1)), {"characters": 10}),
        (PerThousandCharacters(Decimal(1)), {"seconds": 10.0}),
        (TEXT, {"seconds": 10.0}),
        (TEXT, {"input_tokens": 10, "input_audio_tokens": 5}),
        (TEXT, {"output_tokens": 10, "output_audio_tokens": 5}),
        (PerMillionTokens(input=Decimal(1), output=Decimal(1), longest_prompt=100), {"input_tokens": 101}),
    ],
)
def test_what_was_not_measured_in_its_unit_is_not_known_and_not_nothing(rate: Rate, quantities: dict[str, int]) -> None:
    assert rate.dollars(used(**quantities)) is None


def test_what_is_free_costs_nothing_whatever_was_used() -> None:
    assert Free().dollars(used(seconds=10.0, input_tokens=5)) == 0


counts = st.integers(0, 1_000_000)


@given(counts, counts, counts, counts, st.integers(1, 1_000_000))
def test_a_reply_is_never_cheaper_than_all_cached_nor_dearer_than_all_written(
    plain: int, cached: int, audio: int, cached_audio: int, output: int
) -> None:
    reply = used(
        input_tokens=plain + cached + audio + cached_audio,
        cached_tokens=cached + cached_audio,
        input_audio_tokens=audio + cached_audio,
        cached_audio_tokens=cached_audio,
        output_tokens=output,
    )
    paid, saved = AUDIO.dollars(reply), AUDIO.saved(reply)
    assert paid is not None
    assert saved >= 0
    full = (plain + cached) * 4 + (audio + cached_audio) * 32 + output * 16
    assert paid + saved == Decimal(full) / 1_000_000
