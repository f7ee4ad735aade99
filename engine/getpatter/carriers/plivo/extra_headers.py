"""The parameters of a media stream, on their way through Plivo.

What the attribute `extraHeaders` of `<Stream>` says comes back in the stream's `start` as `extra_headers`:
https://www.plivo.com/docs/voice/xml/audio-streaming
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from getpatter.errors import CarrierError

MAX_BYTES: Final = 512
"""The longest `extraHeaders` that Plivo takes."""

_OURS: Final = "patter"
_PREFIX: Final = "x-ph-"


def written(parameters: Mapping[str, str]) -> str:
    """The value of `extraHeaders` that brings `parameters` back.

    One header with all of them in hexadecimal: Plivo promises to leave letters and digits alone and nothing else,
    and a token has more than those.  Raises `CarrierError` for more than Plivo takes.
    """
    if not parameters:
        return ""
    header = f"{_OURS}={msgspec.json.encode(dict(parameters)).hex()}"
    if len(header) > MAX_BYTES:
        raise CarrierError(f"A stream's parameters take {len(header)} bytes; Plivo takes {MAX_BYTES}.")
    return header


def read(headers: object) -> dict[str, str]:
    """The parameters in what `start` has as `extra_headers`; none in what cannot be understood.

    Plivo's pages show `a=1;b=2` and `a=1,b=2`; JSON, as text or as an object, and names with `X-PH-` in front, as
    SIP headers have, are seen too.
    """
    found: dict[str, str] = {}
    for name, value in _pairs(headers):
        plain = name.strip()
        if plain.lower().startswith(_PREFIX):
            plain = plain[len(_PREFIX) :]
        if plain.lower() == _OURS:
            found.update(_unpacked(value))
        elif plain:
            found[plain] = value.strip()
    return found


def _pairs(headers: object) -> Iterator[tuple[str, str]]:
    if isinstance(headers, Mapping):
        yield from ((str(name), value if isinstance(value, str) else "") for name, value in headers.items())
    elif isinstance(headers, str):
        try:
            yield from _pairs(msgspec.json.decode(headers, type=dict[str, object]))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            for pair in headers.strip().strip("{}").replace(";", ",").split(","):
                name, equals, value = pair.partition("=")
                if equals:
                    yield name, value


def _unpacked(value: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(binascii.unhexlify(value.strip()), type=dict[str, str])
    except (ValueError, msgspec.DecodeError, RecursionError):
        return {}
