"""Word times from the times of tokens, which may be words, parts of words, spaces or punctuation: pure, no I/O."""

from __future__ import annotations

import re
from typing import Final

from getpatter.tts.base import WordTime

MAX_SKIPPED: Final = 40
"""Characters.  A token that is not found so near is one of how the text was read, and stands nowhere in it."""


class SpokenTokens:
    """Those of one sentence, in their order."""

    def __init__(self, text: str) -> None:
        self._text = text.lower()
        self._words = list(re.finditer(r"\S+", text))
        self._told = 0
        """Words that were passed."""
        self._at = 0
        """Where in the text the last token ended."""

    def take(self, token: str, start_s: float) -> tuple[WordTime, ...]:
        """The word that begins to be spoken with this token; nothing when it goes on with the last."""
        spoken = token.strip().lower()
        found = self._text.find(spoken, self._at, self._at + MAX_SKIPPED + len(spoken)) if spoken else -1
        if found < 0:
            return ()
        self._at = found + len(spoken)
        while self._told < len(self._words) and self._words[self._told].start() <= found:
            word = self._words[self._told]
            self._told += 1
            if found < word.end():
                return (WordTime(word.group(), start_s),)
        return ()
