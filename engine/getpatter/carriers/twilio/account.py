"""A Twilio account."""

from __future__ import annotations

from dataclasses import dataclass, field

from getpatter.carriers.account import credential
from getpatter.carriers.base import Carrier


@dataclass(frozen=True, slots=True)
class Twilio:
    """What is not given is taken from `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN`, or else raises
    `ConfigurationError`.  Both are on the first page of Twilio's console."""

    account_sid: str = ""
    auth_token: str = field(default="", repr=False)
    api_url: str = "https://api.twilio.com"
    """Another for Twilio's other regions, e.g. https://api.dublin.ie1.twilio.com"""
    shared_key: str = field(default="", repr=False)
    """The secret of the SharedKey that signs the account's webhooks, where one does; else the auth token signs them."""

    kind = "twilio"

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "account_sid", credential("Twilio", "account_sid", self.account_sid, "TWILIO_ACCOUNT_SID")
        )
        object.__setattr__(self, "auth_token", credential("Twilio", "auth_token", self.auth_token, "TWILIO_AUTH_TOKEN"))

    def open(self) -> Carrier:
        from getpatter.carriers.twilio.carrier import TwilioCarrier

        return TwilioCarrier(self)
