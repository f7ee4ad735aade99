"""Which entry of a list a model's name belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SEPARATOR = re.compile(r"[-_:@/]")
_VERSION = re.compile(r"\d{1,2}(\.\d+)?", re.ASCII)
"""`claude-sonnet-5-5` is no `claude-sonnet-5`.  Dates and revisions, which change no price, have more digits."""
_VARIANT_WORDS = (
    "nano mini micro small medium large lite flash turbo pro max hd audio native live realtime tts transcribe "
    "translate whisper search codex image vision thinking multilingual multi fast"
)
_VARIANTS = frozenset(_VARIANT_WORDS.split())
"""Words that make another product of a name: `gpt-4o-audio` is no `gpt-4o`."""


def longest_prefix(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that is `name`, else the longest that it continues with a date, revision or the like.

    >>> longest_prefix("claude-haiku-4-5-20251001", ["claude-haiku-4", "claude-haiku-4-5"])
    'claude-haiku-4-5'

    A name that goes on with a version number or with a word for a variant is another product, and so is one that goes
    on without a separator: to know nothing is better than to take one thing for another.
    """
    found: str | None = None
    for candidate in names:
        if candidate == name:
            return candidate
        longer = found is None or len(candidate) > len(found)
        if candidate and longer and name.startswith(candidate) and _only_revised(name[len(candidate) :]):
            found = candidate
    return found


def _only_revised(rest: str) -> bool:
    if not _SEPARATOR.match(rest):
        return False
    words = _SEPARATOR.split(rest[1:])
    return not _VERSION.fullmatch(words[0]) and _VARIANTS.isdisjoint(words)
