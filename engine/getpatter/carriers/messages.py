"""Messages of media streams, from JSON to what a carrier's codec knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, get_args

import msgspec

from getpatter.errors import MediaError

MAX_MESSAGE_BYTES: Final = 65_536
"""Messages with audio have some 500 bytes; a stream's first grows with its parameters, which are ours."""

_BROKEN: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
_INVALID: Final = re.compile("Invalid value '.*'", re.DOTALL)
"""The one error of msgspec's that repeats what came."""
_Known = TypeVar("_Known")


class _AnyMessage(msgspec.Struct, frozen=True):
    event: str


class MessageReader(Generic[_Known]):
    """Reads one carrier's messages.  It keeps nothing of them: one serves all streams."""

    def __init__(self, carrier: str, known: Any, *, strict: bool = True) -> None:
        """`known` is the union of the structs that may come, tagged by their `event`.  Unless it is `strict`, numbers
        may come as strings.  `carrier` is its name as people write it."""
        self._carrier = carrier
        self._decode: Callable[[str | bytes], _Known] = msgspec.json.Decoder(known, strict=strict).decode
        self._events = frozenset(kind.__struct_config__.tag for kind in get_args(known))

    def __call__(self, message: str | bytes) -> _Known | None:
        """None for a sound message of a kind that the carrier has added since.

        Raises `MediaError` for what is not JSON, too long, or lacks a field; it repeats nothing of the message.
        """
        if len(message) > MAX_MESSAGE_BYTES:
            raise MediaError(f"A {self._carrier} message has {len(message)} characters; {MAX_MESSAGE_BYTES} are taken.")
        try:
            return self._decode(message)
        except _BROKEN as broken:
            if self._is_unknown(message):
                return None
            raise MediaError(f"A {self._carrier} message cannot be read: {_cause(broken)}.") from None

    def _is_unknown(self, message: str | bytes) -> bool:
        try:
            return _decode_any(message).event not in self._events
        except _BROKEN:
            return False


_decode_any = msgspec.json.Decoder(_AnyMessage).decode


def _cause(broken: Exception) -> str:
    """What was wrong and where, without anything from the message."""
    if isinstance(broken, msgspec.ValidationError):
        return _INVALID.sub("an event that is none", str(broken))
    if isinstance(broken, msgspec.DecodeError):
        return "it is not JSON"
    return "its text is not UTF-8" if isinstance(broken, UnicodeError) else "it is nested too deeply"
