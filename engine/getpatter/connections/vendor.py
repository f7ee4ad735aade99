"""A company whose API is used, and the key that it gave us."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from getpatter.environment import variables
from getpatter.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Vendor:
    """How people call it, the variable that its key is looked for in, and where a key is to be had."""

    name: str
    key_variable: str
    keys_at: str = ""
    id: str = ""
    """What the price table calls it; the name in lower case where it is empty."""

    @property
    def billed_as(self) -> str:
        return self.id or self.name.lower()

    def key(self, given: SecretStr | str = "") -> SecretStr:
        """The key: `given`, or else the variable's, from the environment or `.env`; without the line end that comes
        with it from a file.  Raises `ConfigurationError`.

        Call it where the provider object is made, so that a missing key is told before there is a call.
        """
        text = given.get_secret_value() if isinstance(given, SecretStr) else given
        text = (text or variables().get(self.key_variable, "")).strip()
        if not text:
            where = f" A key is to be had at {self.keys_at}." if self.keys_at else ""
            raise ConfigurationError(
                f"{self.name} needs a key.", next_step=f"Pass it as `api_key`, or set {self.key_variable}.{where}"
            )
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ConfigurationError(
                f"The key for {self.name} holds characters that no key has.",
                next_step="Copy it again, without quotes and line ends.",
            )
        return SecretStr(text)


def service_url(given: str, default: str) -> str:
    """The address of a service, without a slash at its end: `given`, else the vendor's own.

    It must have the kind (`https://` or `wss://`) of `default`; the plain kind is for this machine and private
    networks, which the user names on purpose.  Addresses are shown and logged, so one that holds a password or a query
    is refused.  Raises `ConfigurationError`.
    """
    if not given:
        return default
    kind = urlsplit(default).scheme
    plain = {"wss": "ws", "https": "http"}[kind]
    try:
        parts = urlsplit(given)
        (parts.hostname or "").encode("idna")
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    holds_more = parts.username or parts.password or parts.query or parts.fragment if is_whole else False
    if not is_whole or holds_more or parts.scheme not in (kind, plain):
        raise ConfigurationError(
            f"The address of this service must begin with {kind}:// (or {plain}://) and a host, "
            "and hold neither password nor query.",
            next_step=f"Leave it out to have {default}.",
        )
    return given.rstrip("/")


def host_of(url: str) -> str:
    """Host and port, as people are shown where a service is."""
    return urlsplit(url).netloc
