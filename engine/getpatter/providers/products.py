"""Which products the settings buy, as the lists of prices and of retirements name them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from getpatter.llm.factory import billed_at
from getpatter.metering import Product
from getpatter.providers.catalogue import KINDS, find
from getpatter.settings import Settings


@dataclass(frozen=True, slots=True)
class Bought:
    product: Product
    setting: str
    """The variable that chose it."""


def bought(settings: Settings) -> Iterator[Bought]:
    """One for each provider that the settings name, with the model that they name or its default.

    What is not known here is passed over: whoever makes the provider says so.
    """
    named = {"stt": settings.stt, "tts": settings.tts, "llm": settings.llm, "engine": settings.engine}
    for kind in KINDS:
        name, _, model = named[kind].strip().partition("/")
        if (adapter := find(kind, name)) is not None:
            behind_slash = model if adapter.behind_slash == "model" else ""
            yield Bought(adapter.facts.product(behind_slash), f"PATTER_{kind.upper()}")
    if settings.llm_url and not settings.llm:
        yield Bought(Product(billed_at(settings.llm_url), settings.llm_model), "PATTER_LLM_MODEL")
