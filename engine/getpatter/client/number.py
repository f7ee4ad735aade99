"""A telephone number of the program's: whose it is, and the way by which its carrier reaches us."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from getpatter.calls.policy import normalize
from getpatter.carriers.account import Account
from getpatter.errors import ConfigurationError
from getpatter.public_url import public_url
from getpatter.settings import SIMULATED_NUMBER
from getpatter.tunnels import CloudflareTunnel, Static, Tunnel


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    account: Account | None
    """None is the simulated network."""
    phone_number: str
    """E.164."""
    webhook_url: str
    """Where the carrier finds us; empty where a tunnel or nothing leads here."""
    tunnel: Tunnel | None

    def __post_init__(self) -> None:
        if self.tunnel is not None and self.webhook_url:
            raise ConfigurationError("Pass either tunnel or webhook_url, not both.")

    @classmethod
    def of(
        cls, account: Account | None, phone_number: str, webhook_url: str, tunnel: Tunnel | bool | None = None
    ) -> Self:
        """From what `Patter` was given.  Raises `ConfigurationError`."""
        if account is not None and not phone_number:
            raise ConfigurationError(
                f"Patter has a {account.kind} account and no phone_number.",
                next_step="Pass the number that calls come to and from, in E.164 form, e.g. +12025550199.",
            )
        return cls(
            account=account,
            phone_number=normalize(phone_number) if phone_number else SIMULATED_NUMBER,
            webhook_url=public_url(webhook_url) if webhook_url else "",
            tunnel=_tunnel(tunnel),
        )

    def reached_through(self, tunnel: Tunnel | bool) -> Self:
        """The same, by this tunnel instead, where it is one.  Raises `ConfigurationError`."""
        return replace(self, tunnel=_tunnel(tunnel) or self.tunnel)

    @property
    def carrier_name(self) -> str:
        return self.account.kind if self.account is not None else "sim"

    @property
    def needs_its_port(self) -> bool:
        """What leads here leads to one port, and not to whichever is free."""
        return bool(self.webhook_url) or isinstance(self.tunnel, Static)

    @property
    def settings(self) -> dict[str, Any]:
        """What the engine's settings are to say of it."""
        return {"carrier": self.carrier_name, "phone_number": self.phone_number, "public_url": self.webhook_url}


def _tunnel(given: Tunnel | bool | None) -> Tunnel | None:
    if isinstance(given, bool):
        return CloudflareTunnel() if given else None
    return given
