"""What we have Telnyx hand back with a call's events: `client_state`, base64 of whatever we like, here of JSON."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

import msgspec

MAX_CHARACTERS: Final = 8192
"""Ours have some hundred; a longer one is somebody else's."""

_decode = msgspec.json.Decoder(dict[str, str]).decode


def encode(fields: Mapping[str, str]) -> str:
    return b64encode(msgspec.json.encode(dict(fields))).decode()


def decode(state: str | None) -> dict[str, str]:
    """The fields in it; none for a state that is not ours, for a call may have been made by other software."""
    if not state or len(state) > MAX_CHARACTERS:
        return {}
    try:
        return _decode(b64decode(state, validate=True))
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return {}
