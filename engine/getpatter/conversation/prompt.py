"""Prompts with places to be filled, such as `{customer}`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACE = re.compile(r"\{([A-Za-z_]\w*)\}")
MAX_VALUE = 2000
"""Characters of one value: more is a document, and belongs in the prompt itself."""


def fill(text: str, variables: Mapping[str, str]) -> str:
    """`text` with the variables that it names; names that are not known stay, and so do all other braces.

    A value cannot open a section of its own: its control characters and line breaks become spaces.
    """
    return _PLACE.sub(lambda place: _plain(variables[place[1]]) if place[1] in variables else place[0], text)


def _plain(value: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in value[:MAX_VALUE]).split())
