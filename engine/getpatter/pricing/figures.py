"""The built-in list of prices.

The figures of `figure.COMPARISON` come from comparisons of vendors' prices; the others from the vendors' own pages.
What no page or comparison tells is left out: no price is shown as unknown, and a wrong one as right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from getpatter.metering import LOCAL
from getpatter.pricing.figure import READ
from getpatter.pricing.language_figures import MODELS
from getpatter.pricing.rates import Free
from getpatter.pricing.realtime_figures import ENGINES, ONE_PRICE_ENGINES
from getpatter.pricing.speech_figures import ONE_PRICE_RECOGNISERS, ONE_PRICE_VOICES, RECOGNISERS, VOICES
from getpatter.pricing.table import Entry, PriceTable, Unit, VendorPrices
from getpatter.pricing.telephony import CARRIERS

VERSION: Final = "2026.11"
UPDATED: Final = READ
"""The day of the latest figure."""

_FREE: Final = Entry((Free(),), READ, "runs on this machine")
_DEFAULTS: Final[Mapping[str, Entry]] = {
    LOCAL.vendor: _FREE,
    "sim": _FREE,
    **ONE_PRICE_RECOGNISERS,
    **ONE_PRICE_VOICES,
    **ONE_PRICE_ENGINES,
}
_UNITS: Final[Mapping[str, Unit]] = {
    "twilio": "minute",
    "telnyx": "minute",
    "plivo": "minute",
    "deepgram": "minute",
    "assemblyai": "minute",
    "soniox": "minute",
    "speechmatics": "minute",
    "ultravox": "minute",
    "elevenlabs": "1k_characters",
    "cartesia": "1k_characters",
    "rime": "1k_characters",
    "lmnt": "1k_characters",
    "inworld": "1k_characters",
}


def _put_together() -> PriceTable:
    models: dict[str, dict[str, Entry]] = defaultdict(dict)
    for part in (CARRIERS, RECOGNISERS, VOICES, MODELS, ENGINES):
        for vendor, prices in part.items():
            models[vendor].update(prices)
    vendors = sorted({*models, *_DEFAULTS})
    return PriceTable(
        {name: VendorPrices(models.get(name, {}), _DEFAULTS.get(name), _UNITS.get(name)) for name in vendors}
    )


BUILT_IN: Final = _put_together()
