"""Telephone numbers as assistants write them."""

from __future__ import annotations

import re

from getpatter.calls.views import E164
from getpatter.errors import InvalidRequest

_SEPARATORS = re.compile(r"[\s().\-]+")
"""What people put between digits to read them more easily (RFC 3966, "visual separators"), and spaces."""


def e164(number: str) -> str:
    """`number` in E.164 form without separators.  Raises `InvalidRequest`; a country code is never guessed."""
    bare = _SEPARATORS.sub("", number)
    if re.fullmatch(E164, bare, re.ASCII):
        return bare
    raise InvalidRequest(
        f"{number[:40]!r} is not an international telephone number.",
        next_step="Write it in E.164 form: a plus sign, the country code and the number, 7 to 15 digits, "
        "e.g. +12025550100. Ask for the country code where it is not known.",
    )
