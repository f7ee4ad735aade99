"""The list of prices as people read it."""

from __future__ import annotations

from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.listing import ALL_MODELS, lines


def test_every_price_of_the_list_is_a_line() -> None:
    shown = {(line.vendor, line.model) for line in lines(BUILT_IN)}
    assert {(vendor, model) for vendor, prices in BUILT_IN.vendors.items() for model in prices.models} <= shown
    assert ("speechmatics", ALL_MODELS) in shown


def test_a_line_says_what_is_paid_for_what() -> None:
    by_model = {line.model: line for line in lines(BUILT_IN, "deepgram")}
    assert (by_model["nova-3"].text, by_model["nova-3"].unit) == ("0.0048", "minute of audio")
    tokens = next(line for line in lines(BUILT_IN, "groq") if line.model == "openai/gpt-oss-120b")
    assert tokens.text == "input 0.15, output 0.6, cached input 0.075"
    assert tokens.unit == "million tokens"


def test_models_are_found_by_the_beginning_of_their_names() -> None:
    found = [(line.vendor, line.model) for line in lines(BUILT_IN, "gpt-4o-mini")]
    assert ("openai", "gpt-4o-mini") in found
    assert all(model.startswith("gpt-4o-mini") for _, model in found)


def test_a_vendor_that_is_not_listed_has_no_lines() -> None:
    assert list(lines(BUILT_IN, "nobody")) == []
