"""Which products the settings buy, as the lists of prices and of retirements name them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from getpatter.llm.factory import billed_at
from getpatter.metering import Product
from getpatter.providers.catalogue import KINDS, Adapter, adapters, find
from getpatter.settings import Settings


@dataclass(frozen=True, slots=True)
class Bought:
    product: Product
    setting: str
    """The variable that chose it."""
    adapter: Adapter | None = None
    """The one that the setting names; None where it names the model alone."""
    reseller: str = ""
    """What stands between the adapter's name and the model's, e.g. `groq/` of `litellm/groq/llama`."""

    def instead(self, model: str) -> str:
        """The setting's value by which `model` takes the product's place."""
        if self.adapter is None:
            return model
        return f"{_adapter_of(model, self.adapter).name}/{self.reseller}{model}"


def _adapter_of(model: str, known: Adapter) -> Adapter:
    """`known`, unless another one of its vendor lists the model: one that is reached in the same way, if there is."""
    facts = known.facts
    vendor = facts.product().vendor
    siblings = [other for other in adapters(known.kind) if other.facts.product().vendor == vendor]
    siblings.sort(key=lambda other: (other is not known, other.facts.transport != facts.transport))
    return next((other for other in siblings if model in other.facts.models), known)


def bought(settings: Settings) -> Iterator[Bought]:
    """One for each provider that the settings name, with the model that they name or its default.

    What is not known here is passed over: whoever makes the provider says so.
    """
    named = {"stt": settings.stt, "tts": settings.tts, "llm": settings.llm, "engine": settings.engine}
    for kind in KINDS:
        name, _, model = named[kind].strip().partition("/")
        if (adapter := find(kind, name)) is not None:
            behind_slash = model if adapter.behind_slash == "model" else ""
            product = adapter.facts.product(behind_slash)
            reseller = behind_slash.removesuffix(product.model)
            yield Bought(product, f"PATTER_{kind.upper()}", adapter, reseller)
    if settings.llm_url and not settings.llm:
        yield Bought(Product(billed_at(settings.llm_url), settings.llm_model), "PATTER_LLM_MODEL")
