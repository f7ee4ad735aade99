"""An operator's own prices."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from getpatter.errors import ConfigurationError
from getpatter.metering import Product, Used
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.overrides import MAX_BYTES, SOURCE, with_overrides
from getpatter.pricing.rates import PerMinute
from getpatter.pricing.table import cost


def test_a_model_is_counted_as_its_vendors_others_are() -> None:
    own = with_overrides(BUILT_IN, {"elevenlabs": {"models": {"my_custom_model": {"price": 0.075}}}})
    assert cost(Used(Product("elevenlabs", "my_custom_model"), characters=1000), own) == 75_000
    assert cost(Used(Product("elevenlabs", "eleven_flash_v2_5"), characters=1000), own) == 50_000
    entry = own.find(Product("elevenlabs", "my_custom_model"))
    assert entry is not None
    assert entry.source == SOURCE


def test_the_built_in_list_stays_as_it_is() -> None:
    before = BUILT_IN.find(Product("deepgram", "nova-3"))
    with_overrides(BUILT_IN, {"deepgram": {"price": 1, "models": {"nova-3": {"price": 2}}}})
    assert BUILT_IN.find(Product("deepgram", "nova-3")) == before


def test_a_vendors_price_takes_the_place_of_its_built_in_ones() -> None:
    own = with_overrides(BUILT_IN, {"deepgram": {"price": 0.01, "models": {"nova-2": {"price": 0.02}}}})
    assert cost(Used(Product("deepgram", "nova-3"), seconds=60.0), own) == 10_000
    assert cost(Used(Product("deepgram", "nova-2-phonecall"), seconds=60.0), own) == 20_000
    assert cost(Used(Product("deepgram", "aura-2-thalia-en"), characters=1000), own) == 30_000, "another unit"


def test_of_a_models_tokens_only_those_given_change() -> None:
    own = with_overrides(BUILT_IN, {"openai": {"models": {"gpt-4o": {"input": 2.0}}}})
    assert cost(Used(Product("openai", "gpt-4o"), input_tokens=1_000_000), own) == 2_000_000
    assert cost(Used(Product("openai", "gpt-4o"), output_tokens=1_000_000), own) == 10_000_000


def test_a_revision_can_have_a_price_of_its_own() -> None:
    own = with_overrides(BUILT_IN, {"openai": {"models": {"gpt-4o-2024-08-06": {"input": 1, "output": 1}}}})
    assert cost(Used(Product("openai", "gpt-4o-2024-08-06"), input_tokens=1_000_000), own) == 1_000_000
    assert cost(Used(Product("openai", "gpt-4o-2024-11-20"), input_tokens=1_000_000), own) == 2_500_000


@pytest.mark.parametrize("unit", ["1k_characters", "1k_chars"])
def test_a_vendor_need_not_be_known(unit: str) -> None:
    own = with_overrides(BUILT_IN, {"acme": {"unit": unit, "price": "0.01", "models": {"best": {"price": "0.02"}}}})
    assert cost(Used(Product("acme", "any"), characters=1000), own) == 10_000
    assert cost(Used(Product("acme", "best"), characters=1000), own) == 20_000


def test_what_lasts_stays_the_same() -> None:
    own = with_overrides(BUILT_IN, {"assemblyai": {"models": {"next": {"price": 0.01}}}})
    entry = own.find(Product("assemblyai", "next"))
    assert entry is not None
    assert entry.rates == (PerMinute(Decimal("0.01"), "session"),)


def test_a_price_of_nothing_is_a_price() -> None:
    own = with_overrides(BUILT_IN, {"deepgram": {"price": 0}})
    assert cost(Used(Product("deepgram", "nova-3"), seconds=60.0), own) == 0


GIVEN = {"acme": {"unit": "minute", "price": 0.0043}}


@pytest.mark.parametrize("kind", ["text", "json", "toml"])
def test_prices_may_be_text_or_a_file(kind: str, tmp_path: Path) -> None:
    given = json.dumps(GIVEN)
    if kind != "text":
        path = tmp_path / f"prices.{kind}"
        path.write_text(given if kind == "json" else '[acme]\nunit = "minute"\nprice = 0.0043\n')
        given = str(path)
    assert cost(Used(Product("acme"), seconds=60.0), with_overrides(BUILT_IN, given)) == 4_300


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"deepgram": {"price": -1}}, "deepgram.price"),
        ({"deepgram": {"price": "NaN"}}, "deepgram.price"),
        ({"deepgram": {"price": 1e9}}, "deepgram.price"),
        ({"deepgram": {"prize": 1}}, "deepgram.prize"),
        ({"deepgram": {"models": {"x": {}}}}, "deepgram.models.x"),
        ({"deepgram": {"unit": "hour", "price": 1}}, "deepgram.unit"),
        ({"openai": {"price": 1}}, "openai needs a unit"),
        ({"openai": {"models": {"gpt-4o": {"price": 1}}}}, "paid by tokens"),
        ({"acme": {"models": {"x": {"input": 1}}}}, "both input and output"),
        ({"acme": {"price": 1, "unit": "minute", "input": 1}}, "something else"),
        ({"acme": 3}, "acme"),
        ("{broken", "Expecting property name"),
        ("[1]", "[1] cannot be read"),
        ("nowhere.toml", "nowhere.toml cannot be read"),
        ("~nobody_of_this_name/prices.toml", "no home here"),
        ("x" * 10_000, "cannot be read"),
        ('{"a":' * 100_000, "nested too deeply"),
        ({"deepgram": {"unit": ["minute"], "price": 1}}, "deepgram.unit"),
        ([1], "cannot convert"),
    ],
)
def test_prices_that_cannot_be_read_are_one_clear_error(given: str | dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        with_overrides(BUILT_IN, given)
    assert named in told.value.message
    assert told.value.message.count("These prices cannot be used") == 1
    assert "docs/prices.md" in str(told.value.next_step)


def test_a_file_that_is_no_list_of_prices_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "huge.json").write_bytes(b" " * (MAX_BYTES + 1))
    (tmp_path / "broken.toml").write_text("a = = 1")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    for name in ("huge.json", "broken.toml", "bytes.json"):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            with_overrides(BUILT_IN, str(tmp_path / name))
