"""Word times from the times of characters: pure, no I/O."""

from __future__ import annotations

from collections.abc import Sequence

from getpatter.tts.base import WordTime


class Alignment:
    """One sentence's.  Characters come in pieces, in step with the audio; a word may go over their border.

    Some vendors count a piece's times from that piece, some from the beginning of the sentence, and some from the
    beginning of a run of pieces: a piece whose times go back to less than half of what was reached counts anew, from
    where the audio had got to.
    """

    def __init__(self) -> None:
        self._word = ""
        self._word_start_s = 0.0
        self._from_s = 0.0
        """Where in the sentence the times are counted from."""
        self._reached_s = 0.0
        """The last end that was told, counted so."""

    def take(
        self, characters: Sequence[str], starts_s: Sequence[float], ends_s: Sequence[float], *, audio_s: float
    ) -> tuple[WordTime, ...]:
        """The words that are complete with these characters.  `audio_s` is how much of the sentence's sound came before
        this piece.  Raises `ValueError` unless each character has its times."""
        if not len(characters) == len(starts_s) == len(ends_s):
            raise ValueError("characters without times")
        if not characters:
            return ()
        if starts_s[0] < self._reached_s / 2:
            self._from_s = audio_s
        self._reached_s = ends_s[-1]
        words: list[WordTime] = []
        for character, start_s in zip(characters, starts_s, strict=True):
            if character.isspace():
                words += self.rest()
                continue
            if not self._word:
                self._word_start_s = self._from_s + start_s
            self._word += character
        return tuple(words)

    def rest(self) -> tuple[WordTime, ...]:
        """The word that the sentence ends with, where no space followed it."""
        if not self._word:
            return ()
        word, self._word = self._word, ""
        return (WordTime(word, self._word_start_s),)
