"""A Plivo account."""

from __future__ import annotations

from dataclasses import dataclass, field

from getpatter.carriers.account import credential
from getpatter.carriers.base import Carrier


@dataclass(frozen=True, slots=True)
class Plivo:
    """What is not given is taken from `PLIVO_AUTH_ID` and `PLIVO_AUTH_TOKEN`, or else raises `ConfigurationError`.
    Both are on the first page of Plivo's console."""

    auth_id: str = ""
    auth_token: str = field(default="", repr=False)
    api_url: str = "https://api.plivo.com/v1"

    kind = "plivo"

    def __post_init__(self) -> None:
        object.__setattr__(self, "auth_id", credential("Plivo", "auth_id", self.auth_id, "PLIVO_AUTH_ID"))
        object.__setattr__(self, "auth_token", credential("Plivo", "auth_token", self.auth_token, "PLIVO_AUTH_TOKEN"))

    def open(self) -> Carrier:
        from getpatter.carriers.plivo.carrier import PlivoCarrier

        return PlivoCarrier(self)
