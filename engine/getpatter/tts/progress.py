"""How far a sentence was spoken when its voice failed, and where the next voice goes on: pure, no I/O."""

from __future__ import annotations

from dataclasses import replace

from getpatter.tts.base import SpeechChunk, WordTime

SLOW_CHARACTERS_PER_S = 12.0
"""The slow end of speech: eSpeak NG and flite speak 13 to 20 characters a second, and numbers slowest.  Where a voice
tells no word times, too slow an estimate repeats a few words, too fast a one loses them, and a digit of a number that
was lost is worth more than a word that came twice."""


class SentenceProgress:
    """One sentence, spoken by one voice after the other; times are seconds since its first audio.

    The next voice goes on at the first word that was not given whole: half a word is not understood, so it is said
    again.  Where word times are not known, or name other words than the text, it is the one at `SLOW_CHARACTERS_PER_S`.
    """

    def __init__(self, text: str, bytes_per_second: int) -> None:
        self._text = text
        self._bytes_per_second = bytes_per_second
        self._given = 0
        self._part_text = 0
        """Where the words of the present voice begin in the text, and below where its audio does in the sentence's."""
        self._part_audio = 0
        self._words: list[WordTime] = []

    @property
    def rest(self) -> str:
        """What the present voice is to say; empty when nothing is left."""
        return self._text[self._part_text :]

    @property
    def given_s(self) -> float:
        return self._given / self._bytes_per_second

    def take(self, chunk: SpeechChunk) -> SpeechChunk:
        """The present voice's next chunk, its word times counted from the beginning of the sentence."""
        self._given += len(chunk.audio)
        self._words += chunk.words
        if not self._part_audio or not chunk.words:
            return chunk
        offset_s = self._part_audio / self._bytes_per_second
        words = tuple(replace(word, start_s=word.start_s + offset_s) for word in chunk.words)
        return SpeechChunk(chunk.audio, words)

    def break_off(self) -> None:
        """The present voice failed: the next one goes on behind the words that were given."""
        spoken_s = (self._given - self._part_audio) / self._bytes_per_second
        if spoken_s > 0:
            self._part_text += self._by_word_times(spoken_s) if self._words else self._by_estimate(spoken_s)
        self._part_audio = self._given
        self._words.clear()

    def _by_word_times(self, spoken_s: float) -> int:
        """Where the first word begins that the audio does not hold whole: the next one has not begun in it."""
        text = self.rest
        position = 0
        begin: int | None = None
        for word, following in zip(self._words, [*self._words[1:], None], strict=True):
            found = text.find(word.word, position)
            if found < 0:
                continue
            begin = found
            if following is None or following.start_s > spoken_s:
                break
            position = found + len(word.word)
        return self._by_estimate(spoken_s) if begin is None else begin

    def _by_estimate(self, spoken_s: float) -> int:
        """Where the word begins that is being said at the estimated position; the end once that is past the text."""
        text = self.rest
        reached = int(spoken_s * SLOW_CHARACTERS_PER_S)
        if reached >= len(text):
            return len(text)
        return max((at + 1 for at in range(reached) if text[at].isspace()), default=0)
