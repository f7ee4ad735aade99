"""Which conversation a request belongs to, for servers that keep something of each."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pydantic import SecretStr

from getpatter.errors import ConfigurationError, ProviderError
from getpatter.extension import place
from getpatter.llm.base import CallContext
from getpatter.llm.options import is_header_text

HASH_DIGITS = 32
"""Of the caller's number, in hexadecimal: 128 bits, which nobody meets twice by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRule:
    """How a server is told of the call.

    `user_prefix` and `id_prefix` stand before the call's id.  The key is what a server remembers a caller by from call
    to call: `key` itself; or what `key_factory` makes of the call; or with `key_from="caller_hash"` a keyed hash of the
    caller's number, from which nobody without the API key can tell the number; without one it can be found by trying
    all numbers.  Callers who withhold theirs share nothing: each of their calls has its own.
    """

    user_prefix: str = ""
    id_header: str = ""
    id_prefix: str = ""
    key_header: str = ""
    key: str = field(default="", repr=False)
    key_factory: Callable[[CallContext], str] | None = None
    key_from: Literal["", "caller_hash"] = ""

    def __post_init__(self) -> None:
        """Raises `ConfigurationError` for what cannot work."""
        if self.key_from not in ("", "caller_hash"):
            raise ConfigurationError("The session key can be taken from `caller_hash`, and from nothing else.")
        if sum(map(bool, (self.key, self.key_factory, self.key_from))) > 1:
            raise ConfigurationError("There is more than one session key.", next_step="Give one of them.")
        if bool(self.key or self.key_factory or self.key_from) is not bool(self.key_header):
            raise ConfigurationError("A session key and the header that it is sent in need each other.")
        if not all(map(is_header_text, (self.id_header, self.id_prefix, self.key_header, self.key))):
            raise ConfigurationError("The session's headers must be printable ASCII.")


class Session:
    """What each request of one call says of it.  The key is made with the first of them."""

    def __init__(self, rule: SessionRule, call: CallContext, api_key: SecretStr) -> None:
        self._rule = rule
        self._call = call
        self._api_key = api_key

    @property
    def user(self) -> str:
        """The field `user` of chat completions; empty where the server is not told."""
        return f"{self._rule.user_prefix}{self._call.call_id}" if self._rule.user_prefix else ""

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Raises `ProviderError` where `key_factory` fails."""
        rule = self._rule
        headers = {rule.id_header: f"{rule.id_prefix}{self._call.call_id}"} if rule.id_header else {}
        return headers | ({rule.key_header: self._key()} if rule.key_header else {})

    def _key(self) -> str:
        if self._rule.key_factory is not None:
            return _made(self._rule.key_factory, self._call)
        if self._rule.key_from:
            secret = self._api_key.get_secret_value().encode()
            digest = hmac.digest(secret, (self._call.caller or self._call.call_id).encode(), "sha256")
            return digest.hex()[:HASH_DIGITS]
        return self._rule.key


def _made(factory: Callable[[CallContext], str], call: CallContext) -> str:
    try:
        key = factory(call)
    except Exception as error:  # noqa: BLE001 -- the program's code may raise anything, with the caller's number in its text
        raise ProviderError(f"The session key was not made: {type(error).__name__} {place(error)}.") from None
    if not isinstance(key, str) or not is_header_text(key):
        raise ProviderError("The session key was not made: it must be printable ASCII.")
    return key
