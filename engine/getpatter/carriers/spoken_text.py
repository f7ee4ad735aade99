"""Words that a carrier's own voice is to speak: in which of its languages, and as XML can hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from getpatter.language.words import primary_language

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Extensible Markup Language 1.0, section 2.2."""


def holdable(text: str) -> str:
    """The text with a space for each character that XML cannot hold, escaped or not."""
    return _NOT_XML.sub(" ", text)


def nearest(language: str, spoken: Sequence[str], usual: Mapping[str, str]) -> str | None:
    """The tag among `spoken` (BCP 47) that is nearest to `language`; None where none is of that language.

    Where a region is not known it is the one in `usual`, by language alone, or else the first of that language.
    """
    wanted = language.strip().replace("_", "-").lower()
    base = primary_language(wanted)
    same = (tag for tag in spoken if tag.lower() == wanted)
    related = (tag for tag in spoken if primary_language(tag) == base)
    return next(same, None) or usual.get(base) or next(related, None)
