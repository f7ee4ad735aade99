"""A voice whose audio is as long as its words, and by which one knows what is being said."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from getpatter.audio.format import FRAME_BYTES, LINE, AudioFormat
from getpatter.tts.base import SpeechChunk, WordTime

WORD_S = 0.4
"""A word and the pause behind it: 150 words a minute, which is unhurried English."""
WORD_BYTES = int(WORD_S * LINE.rate)
VALUES = 120
"""Sentences are told apart by the one µ-law value that each of them sounds as; this many, then from the first again.
Values from here up are left to silence (0xFF) and to negative zero, which is not preserved by decoding."""


@dataclass(slots=True)
class Spoken:
    """One sentence on its way to be heard."""

    words: tuple[str, ...]
    sounded_bytes: int = 0
    """How much of it the line has played; what is repeated after a pause counts once."""

    @property
    def sounded_words(self) -> int:
        """Words that have begun to sound."""
        return min(len(self.words), -(-self.sounded_bytes // WORD_BYTES))

    @property
    def left_s(self) -> float:
        return max(0, len(self.words) * WORD_BYTES - self.sounded_bytes) / LINE.rate


class TextVoice:
    """Both `TextToSpeech` and the `Voice` of each call, since it has no connection.

    As a provider it serves any number of calls; `pending` and `at` make sense where it serves one.
    """

    name = "text"
    format: AudioFormat = LINE

    def __init__(self) -> None:
        self._sentences: dict[int, Spoken] = {}
        self._number = 0

    async def open(self, language: str = "en-US") -> TextVoice:
        return self

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        spoken = Spoken(tuple(text.split()))
        value = self._number % VALUES + 1
        self._number += 1
        # Sentences that were dropped unheard are not waited for: the order is that of the newest.
        self._sentences.pop(value, None)
        self._sentences[value] = spoken
        for index, word in enumerate(spoken.words):
            yield SpeechChunk(bytes([value]) * WORD_BYTES, (WordTime(word, index * WORD_S),))

    def played(self, audio: bytes) -> list[Spoken]:
        """The line plays this: the sentences that it is of, which are further on now."""
        found = []
        for value in sorted(set(audio), key=audio.index):
            if (spoken := self._sentences.get(value)) is not None:
                limit = len(spoken.words) * WORD_BYTES
                spoken.sounded_bytes = min(limit, spoken.sounded_bytes + audio.count(value))
                self._forget_before(value)
                found.append(spoken)
        return found

    def cleared(self) -> None:
        """What was sent and not yet played, at most three frames, is dropped by the line."""
        for spoken in self._sentences.values():
            spoken.sounded_bytes = max(0, spoken.sounded_bytes - 3 * FRAME_BYTES)

    @property
    def pending(self) -> list[Spoken]:
        """The sentence that sounds and those made after it, in order."""
        return list(self._sentences.values())

    def forget(self) -> None:
        """The utterance is over."""
        self._sentences.clear()

    def _forget_before(self, value: int) -> None:
        """Sentences before the one that sounds are over, or were dropped unheard."""
        while (first := next(iter(self._sentences))) != value:
            del self._sentences[first]

    async def close(self) -> None:
        """There is nothing to let go of."""
