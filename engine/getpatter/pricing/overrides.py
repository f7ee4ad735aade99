"""An operator's own prices, over the built-in ones."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.functional_validators import BeforeValidator

from getpatter.errors import ConfigurationError
from getpatter.metering import Product
from getpatter.pricing.rates import PerMillionTokens, PerMinute, PerThousandCharacters, Rate
from getpatter.pricing.table import Entry, PriceTable, Unit, VendorPrices

SOURCE = "operator"
MAX_BYTES = 1_000_000
MAX_SHOWN = 300
"""Characters of what was given that are repeated."""

_TOKENS = ("input", "output", "cached_input", "cache_write", "input_audio", "cached_audio", "output_audio")

Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class _Price(BaseModel):
    model_config = ConfigDict(extra="forbid")

    unit: Annotated[Unit, BeforeValidator(lambda unit: "1k_characters" if unit == "1k_chars" else unit)] | None = None
    price: Dollars | None = None
    input: Dollars | None = None
    output: Dollars | None = None
    cached_input: Dollars | None = None
    cache_write: Dollars | None = None
    input_audio: Dollars | None = None
    cached_audio: Dollars | None = None
    output_audio: Dollars | None = None

    @property
    def tokens(self) -> dict[str, Decimal]:
        """Prices of tokens, by the names of `PerMillionTokens`."""
        named = {name: getattr(self, name) for name in _TOKENS}  # the names of our own fields
        return {name: price for name, price in named.items() if price is not None}


class _Vendor(_Price):
    models: dict[str, _Price] = {}


_Overrides = TypeAdapter(dict[str, _Vendor])


def with_overrides(table: PriceTable, given: str | Mapping[str, Any]) -> PriceTable:
    """`table` with the prices that an operator has given: a mapping, JSON text, or the path of a TOML or JSON file.

        {"elevenlabs": {"models": {"my_model": {"price": 0.075}}},
         "openai": {"models": {"gpt-4o": {"input": 2.0}}},
         "acme": {"unit": "minute", "price": 0.01}}

    `price` is US dollars a `unit`: `minute`, or `1k_characters`; tokens have a price for each kind, a million of them:
    `input`, `output`, `cached_input`, `cache_write`, `input_audio`, `cached_audio`, `output_audio`.  What is left out
    stays as it was: the unit, and the other tokens' prices.  A price of a vendor itself takes the place of all of its
    built-in prices in that unit.  Vendors and models need not be known.

    Raises `ConfigurationError`, which names what cannot be read.
    """
    overrides = _read(given)
    vendors = dict(table.vendors)
    for name, override in overrides.items():
        vendors[name] = _vendor(name, vendors.get(name, VendorPrices()), override)
    return PriceTable(dict(sorted(vendors.items())))


def _read(given: str | Mapping[str, Any]) -> dict[str, _Vendor]:
    try:
        return _Overrides.validate_python(_parse(given) if isinstance(given, str) else dict(given))
    except ValidationError as invalid:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors())
        raise _unusable(faults) from None
    except ConfigurationError:
        raise
    except (ValueError, TypeError) as broken:  # JSON's and TOML's own, too
        raise _unusable(str(broken)) from None
    except RecursionError:
        raise _unusable("they are nested too deeply") from None


def _parse(given: str) -> Any:
    if given.lstrip().startswith("{"):
        return json.loads(given, parse_float=Decimal)
    try:
        path = Path(given).expanduser()
        if path.stat().st_size > MAX_BYTES:
            raise _unusable(f"{path} is larger than {MAX_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _unusable(f"{given[:MAX_SHOWN]} cannot be read: {error.strerror}") from None
    except RuntimeError:  # of `expanduser`
        raise _unusable(f"{given[:MAX_SHOWN]} begins with a user who has no home here") from None
    if path.suffix == ".toml":
        return tomllib.loads(text, parse_float=Decimal)
    return json.loads(text, parse_float=Decimal)


def _vendor(name: str, vendor: VendorPrices, override: _Vendor) -> VendorPrices:
    vendor = replace(vendor, unit=override.unit or vendor.unit)
    models, default = dict(vendor.models), vendor.default
    if override.price is not None or override.tokens:
        default = _entry(name, override, default, vendor)
        kind = type(default.rates[0])
        models = {model: entry for model, entry in models.items() if not isinstance(entry.rates[0], kind)}
    known = PriceTable({name: replace(vendor, models=models, default=default)})
    for model, price in override.models.items():
        known_as = known.find(Product(name, model))
        models[model] = _entry(f"{name}.models.{model}", price, known_as, vendor)
    return VendorPrices(models, default, vendor.unit)


def _entry(where: str, price: _Price, known_as: Entry | None, vendor: VendorPrices) -> Entry:
    """`known_as` is what the product is priced by so far."""
    known = known_as.rates[0] if known_as is not None else None
    rate: Rate
    if price.tokens:
        rate = _tokens(where, price, known)
    elif price.price is not None:
        rate = _simple(where, price.price, price.unit, known, vendor)
    else:
        raise _unusable(f"{where} has no price")
    return Entry((rate,), "", SOURCE)


def _tokens(where: str, price: _Price, known: Rate | None) -> PerMillionTokens:
    if price.price is not None or price.unit not in (None, "million_tokens"):
        raise _unusable(f"{where} has prices of tokens and of something else")
    if isinstance(known, PerMillionTokens):
        return replace(known, **price.tokens)  # type: ignore[arg-type]  # names and values are those of its prices
    if price.input is None or price.output is None:
        raise _unusable(f"{where} needs both input and output, the dollars for a million tokens")
    return PerMillionTokens(**price.tokens)  # type: ignore[arg-type]  # names and values are those of its prices


def _simple(where: str, price: Decimal, unit: Unit | None, known: Rate | None, vendor: VendorPrices) -> Rate:
    if unit is None and isinstance(known, PerMinute | PerThousandCharacters):
        return replace(known, price=price)
    unit = unit or ("million_tokens" if isinstance(known, PerMillionTokens) else vendor.unit)
    match unit:
        case "minute":
            return replace(_minute_of(known, vendor), price=price)
        case "1k_characters":
            return PerThousandCharacters(price)
        case "million_tokens":
            raise _unusable(f"{where} is paid by tokens: give input and output, the dollars for a million of them")
        case None:
            raise _unusable(f"{where} needs a unit: minute, 1k_characters or million_tokens")


def _minute_of(known: Rate | None, vendor: VendorPrices) -> PerMinute:
    """What lasts, and whether its minutes are paid whole, as with the vendor's other products."""
    rates = [known, *(rate for entry in vendor.models.values() for rate in entry.rates)]
    return next((rate for rate in rates if isinstance(rate, PerMinute)), PerMinute(Decimal(0)))


def _unusable(fault: str) -> ConfigurationError:
    return ConfigurationError(
        f"These prices cannot be used: {fault}.",
        next_step="Correct pricing, or PATTER_PRICING; docs/prices.md has the form.",
    )
