"""A text in pieces that are no longer than a vendor takes: pure, no I/O."""

from __future__ import annotations


def pieces_of(text: str, limit: int) -> list[str]:
    """Cut between words, and in them where one is longer than `limit`; joined they are the text."""
    pieces = []
    while len(text) > limit:
        cut = text.rfind(" ", 0, limit) + 1 or limit
        pieces.append(text[:cut])
        text = text[cut:]
    return [*pieces, text]
