"""Text for logs that may quote what a stranger or a carrier sent."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d{5,}(?=\d\d)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def masked(text: str) -> str:
    """Of long numbers the last two digits alone, and nothing that ends a line."""
    return _CONTROL.sub("?", _NUMBER.sub("…", text))
