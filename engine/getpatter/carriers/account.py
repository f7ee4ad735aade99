"""What all accounts with carriers have in common."""

from __future__ import annotations

from typing import Protocol

from getpatter.carriers.base import Carrier
from getpatter.environment import variables
from getpatter.errors import ConfigurationError


class Account(Protocol):
    """Somebody's account with a carrier: a frozen dataclass of what its API wants to see."""

    @property
    def kind(self) -> str:
        """The carrier's name."""

    @property
    def api_url(self) -> str:
        """Base URL of its API, without a slash at its end."""

    def open(self) -> Carrier:
        """The carrier, acting for this account.  Must be called on a running event loop."""


def credential(carrier: str, name: str, given: str, variable: str) -> str:
    """`given`, or what the variable has.  Raises `ConfigurationError` where neither says anything."""
    found = (given or variables().get(variable, "")).strip()
    if not found:
        raise ConfigurationError(
            f"{carrier} has no {name}.",
            next_step=f"Set {variable} in the environment or in .env, or pass {name}=...",
        )
    return found
