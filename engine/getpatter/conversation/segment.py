"""One sentence of an utterance: how its text and its audio lie to each other."""

from __future__ import annotations

from dataclasses import dataclass

from getpatter.audio import g711
from getpatter.audio.format import FRAME_BYTES, LINE
from getpatter.tts.base import WordTime

BYTES_PER_S = LINE.bytes_per_second
CHARACTERS_PER_S = 14.0
"""Ordinary speaking rate in English; used only while a sentence's audio is still incomplete."""
PAUSE_SEARCH_S = 0.3
"""How far before a word's estimated place the pause that it follows is looked for: about one word."""


@dataclass(slots=True)
class Segment:
    """A sentence's text, and where its audio lies in the utterance, in bytes of line audio from its beginning."""

    text: str
    start: int
    end: int
    complete: bool = False
    words: tuple[WordTime, ...] = ()

    def heard_characters(self, played: int) -> int:
        """How many characters of the text were heard once the utterance was `played` so far, to the end of a word."""
        if self.complete and played >= self.end:
            return len(self.text)
        elapsed = (played - self.start) / BYTES_PER_S
        if elapsed <= 0:
            return 0
        if self.words:
            return self._heard_by_word_times(elapsed)
        reached = min(len(self.text), int(len(self.text) * elapsed / self._spoken_s))
        if reached == len(self.text) or self.text[reached].isspace():
            return reached
        return self.text.rfind(" ", 0, reached) + 1

    def resume_point(self, played: int, audio: bytes) -> int:
        """Where to go on so that the first word that was not wholly heard is said from its beginning.

        `audio` is the segment's, at least up to `played`.  Where the voice gives no word times the place is estimated
        from the text, and the quietest frame before it taken: words begin after a pause more often than anywhere.
        """
        heard = self.heard_characters(played)
        if self.words:
            start_s = self._next_word_s(heard)
            return played if start_s is None else min(played, self.start + _whole_frames(int(start_s * BYTES_PER_S)))
        if not self.text:
            return played
        word = self.start + int(heard / len(self.text) * self._spoken_s * BYTES_PER_S)
        return self.start + _quietest(audio, min(word, played) - self.start)

    @property
    def _spoken_s(self) -> float:
        """How long the sentence is, or will probably be."""
        spoken = (self.end - self.start) / BYTES_PER_S
        return spoken if self.complete else max(spoken, len(self.text) / CHARACTERS_PER_S)

    def _heard_by_word_times(self, elapsed: float) -> int:
        """A word counts as heard when the next one has begun."""
        position = heard = 0
        for index, word in enumerate(self.words):
            found = self.text.find(word.word, position)
            if found < 0:
                continue
            position = found + len(word.word)
            following = self.words[index + 1].start_s if index + 1 < len(self.words) else None
            if following is None or following > elapsed:
                break
            heard = position
        return heard

    def _next_word_s(self, heard: int) -> float | None:
        """When the first word after `heard` characters begins, in seconds from the start of the sentence."""
        position = 0
        for word in self.words:
            found = self.text.find(word.word, position)
            if found < 0:
                continue
            if found >= heard:
                return word.start_s
            position = found + len(word.word)
        return None


def _whole_frames(size: int) -> int:
    return size - size % FRAME_BYTES


def _quietest(audio: bytes, before: int) -> int:
    """The start of the quietest frame in the last `PAUSE_SEARCH_S` before the position."""
    first = _whole_frames(max(0, before - int(PAUSE_SEARCH_S * BYTES_PER_S)))
    starts = range(first, _whole_frames(before) + 1, FRAME_BYTES)
    # The latest of equally quiet ones: less is said twice.
    return min(reversed(starts), key=lambda start: g711.rms(audio[start : start + FRAME_BYTES]))
