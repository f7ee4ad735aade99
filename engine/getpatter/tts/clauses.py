"""A sentence in parts that are spoken one after the other, so that the first is heard soon: pure, no I/O."""

from __future__ import annotations

import re

SHORT_CHARACTERS = 60
"""Some four seconds of speech.  Parts are no shorter, since each is spoken with a melody of its own."""

_CLAUSE = re.compile(r"(?<=[,;:–—])\s+|(?<=[.!?…])\s+")


def clauses(sentence: str, short: int = SHORT_CHARACTERS) -> list[str]:
    """Cut behind punctuation, where both sides have `short` characters; words and punctuation stay as they are."""
    parts: list[str] = []
    for clause in _CLAUSE.split(sentence.strip()):
        if parts and len(parts[-1]) < short:
            parts[-1] = f"{parts[-1]} {clause}"
        else:
            parts.append(clause)
    if len(parts) > 1 and len(parts[-1]) < short:
        rest = parts.pop()
        parts[-1] = f"{parts[-1]} {rest}"
    return [part for part in parts if part]
