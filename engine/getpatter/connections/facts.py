"""What is to be said of an adapter in the documentation, beside its code; `docs/providers.md` is made of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from getpatter.metering import Product


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One adapter's.  Lists are short words for a table's cells."""

    vendor: str
    billed_as: str = ""
    """What the lists of prices and of retirements call the vendor; its name in lower case where it is empty."""
    vendors: Mapping[str, str] | None = None
    """Where models are written `vendor/model`, and that vendor is paid: what the lists call those that have another
    name there.  A model without a slash is of `billed_as`."""
    key_variable: str = ""
    """Empty for what needs no key."""
    transport: str
    """`WebSocket`, `HTTP`, `HTTP event stream`, `process`."""
    formats: tuple[str, ...] = ()
    """Audio, the default first, e.g. `mulaw 8000`, `pcm16 16000`."""
    models: tuple[str, ...] = ()
    """The default first; any other name is passed on."""
    features: tuple[str, ...] = ()
    """E.g. `interims`, `word times`, `end of turn`, `cancel`, `tools`, `cached tokens`."""
    billing: str = ""
    """What the vendor counts, e.g. `audio`, `session`, `characters`, `tokens`."""
    tested_with: str = ""
    """The distribution of the official client that holds the stand-in to the protocol, e.g. `deepgram-sdk`; empty where
    there is none."""
    unconfirmed: tuple[str, ...] = ()
    """What neither the client nor the documentation at hand confirms."""

    def product(self, model: str = "") -> Product:
        """What is bought with `model`, or with the default."""
        model = model or next(iter(self.models), "")
        vendor, slash, own_name = model.partition("/")
        if slash and self.vendors is not None:
            return Product(self.vendors.get(vendor, vendor), own_name)
        return Product(self.billed_as or self.vendor.lower(), model)
