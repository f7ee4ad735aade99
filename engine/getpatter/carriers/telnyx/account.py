"""A Telnyx account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from getpatter.carriers.account import credential
from getpatter.carriers.base import Carrier
from getpatter.errors import ConfigurationError

MACHINE_DETECTIONS: Final = ("greeting_end", "premium", "detect", "detect_beep", "detect_words")
"""What Telnyx's `answering_machine_detection` may be where it is on."""


@dataclass(frozen=True, slots=True)
class Telnyx:
    """What is not given is taken from `TELNYX_API_KEY`, `TELNYX_CONNECTION_ID` (the id of a Call Control application)
    and `TELNYX_PUBLIC_KEY` (by which webhooks are verified), or else raises `ConfigurationError`."""

    api_key: str = field(default="", repr=False)
    connection_id: str = ""
    public_key: str = ""
    api_url: str = "https://api.telnyx.com/v2"
    machine_detection: str = "greeting_end"
    """Which of Telnyx's detections calls ask for.  `premium` costs more, and tells fax machines, too."""

    kind = "telnyx"

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_key", credential("Telnyx", "api_key", self.api_key, "TELNYX_API_KEY"))
        found = credential("Telnyx", "connection_id", self.connection_id, "TELNYX_CONNECTION_ID")
        object.__setattr__(self, "connection_id", found)
        object.__setattr__(self, "public_key", credential("Telnyx", "public_key", self.public_key, "TELNYX_PUBLIC_KEY"))
        if self.machine_detection not in MACHINE_DETECTIONS:
            raise ConfigurationError(
                f"Telnyx has no machine_detection {self.machine_detection!r}.",
                next_step=f"Use one of {', '.join(MACHINE_DETECTIONS)}.",
            )

    def open(self) -> Carrier:
        from getpatter.carriers.telnyx.carrier import TelnyxCarrier

        return TelnyxCarrier(self)
