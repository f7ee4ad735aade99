"""The accounts that we know how to use, by their carriers' names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from getpatter.carriers.account import Account
from getpatter.carriers.plivo.account import Plivo
from getpatter.carriers.telnyx.account import Telnyx
from getpatter.carriers.twilio.account import Twilio

ACCOUNTS: Final[Mapping[str, Callable[[], Account]]] = {"twilio": Twilio, "telnyx": Telnyx, "plivo": Plivo}
"""Each makes the account that the environment describes, or raises `ConfigurationError`."""
