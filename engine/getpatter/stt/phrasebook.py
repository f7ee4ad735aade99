"""Phrases as they are written, found again in the bare words of a recogniser."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

from getpatter.stt.wording import spoken_words

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class Phrasebook:
    """What the far end is likely to say: whole phrases, and each sentence in them."""

    def __init__(self, phrases: Iterable[str], vocabulary: Container[str]) -> None:
        """Words outside `vocabulary` cannot be recognised and are passed over in comparing."""
        self._written: dict[tuple[str, ...], str] = {}
        for phrase in phrases:
            for text in (phrase.strip(), *_SENTENCE_END.split(phrase.strip())):
                words = tuple(word for word in spoken_words(text) if word in vocabulary)
                if words:
                    self._written.setdefault(words, text)
        self._lengths = sorted({len(words) for words in self._written})

    @property
    def sentences(self) -> list[tuple[str, ...]]:
        """The words of everything in the book."""
        return list(self._written)

    def written(self, words: Sequence[str]) -> str:
        """`words` in the spelling of the phrases where they are phrases in a row, else as they are."""
        best: list[list[str] | None] = [[], *([None] * len(words))]
        for end in range(1, len(words) + 1):
            for length in self._lengths:
                before = best[end - length] if length <= end else None
                text = self._written.get(tuple(words[max(0, end - length) : end]))
                if before is None or text is None:
                    continue
                so_far = best[end]
                if so_far is None or len(before) + 1 < len(so_far):
                    best[end] = [*before, text]
        found = best[len(words)]
        return " ".join(words) if found is None else " ".join(found)
