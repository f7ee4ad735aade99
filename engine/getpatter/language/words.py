"""Transcripts as words to compare: recognisers differ in capitals, punctuation, hyphens and apostrophes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_ABBREVIATION = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def words(text: str) -> list[str]:
    """Lower case, without punctuation: "Mm-hm, that’s the U.S." gives mm, hm, that's, the, us."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _ABBREVIATION.sub(lambda match: match[0].replace(".", ""), plain)
    return [word.replace("’", "'") for word in _WORD.findall(plain)]


def primary_language(language: str) -> str:
    """The first part of a BCP 47 tag: `pt` of `pt-BR`."""
    return language.replace("_", "-").split("-")[0].lower()


def one_of(phrases: Iterable[str]) -> str:
    """A regular expression for any of them as whole words in what `words` gave, joined by spaces; longer ones first."""
    written = {" ".join(words(phrase)) for phrase in phrases}
    longest_first = sorted(written, key=lambda phrase: (-len(phrase), phrase))
    return rf"(?<!\S)(?:{'|'.join(map(re.escape, longest_first))})(?!\S)"


def phrase_list(text: str) -> tuple[str, ...]:
    """Phrases of a table, divided by commas or lines."""
    return tuple(phrase.strip() for phrase in re.split(r"[,\n]", text) if phrase.strip())
