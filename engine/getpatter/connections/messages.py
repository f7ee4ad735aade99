"""Messages of providers, from JSON to what an adapter knows of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import msgspec

Known = TypeVar("Known")

BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What decoding raises for what is no message."""


def sendable(text: str) -> str:
    """Text that can be sent: a language model that cuts an emoji in two gives lone surrogates, which UTF-8 does not
    have."""
    return text.encode("utf-8", "replace").decode()


def json_bytes(value: Any) -> bytes:
    """JSON to be sent; see `sendable`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class MessageReader(Generic[Known]):
    """Reads the messages of one protocol into one struct, all of whose fields have defaults: what a vendor adds is
    passed over, and a field that is null is one that is not there.  It keeps nothing: one serves all sessions."""

    def __init__(self, known: type[Known]) -> None:
        self._known = known
        self._decode: Callable[[str | bytes], Known] = msgspec.json.Decoder(known).decode

    def __call__(self, message: str | bytes) -> Known:
        """Raises `ValueError` for what is not JSON or has a field of another type; it repeats nothing of the message,
        which may hold what somebody said."""
        try:
            try:
                return self._decode(message)
            except msgspec.ValidationError:
                return msgspec.convert(_without_nulls(msgspec.json.decode(message)), self._known)
        except BROKEN as broken:
            raise ValueError(f"a message that is none ({type(broken).__name__})") from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(held) for name, held in value.items() if held is not None}
    return [_without_nulls(held) for held in value] if isinstance(value, list) else value
