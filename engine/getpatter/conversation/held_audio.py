"""The audio of an item that an engine speaks, kept back until the words that it may hold were reviewed.  Pure.

An engine tells no word times.  What is known is how much text had come when a piece of audio came, and that the text
of a word comes before its sound or with it.  So a piece may hold any word that was there, and none that was not: it is
heard when all of the text of its time was reviewed, to the end of the sentence that was being written.  Engines write
and speak several times as fast as people listen, so this delays the first sound by part of a sentence, and no other.
"""

from __future__ import annotations

from collections import deque

from getpatter.language.sentences import SentenceSplitter


class HeldAudio:
    """`write` text and `add` audio as they come; `allow` each sentence that may be heard; `finish` at the end."""

    def __init__(self) -> None:
        self._splitter = SentenceSplitter(min_length=0)
        self._text = ""
        self._reviewed = 0
        self._finished = False
        self._waiting: deque[tuple[int, bytes]] = deque()

    def write(self, text: str) -> list[str]:
        """Text of the item; gives the sentences that are to be reviewed now."""
        self._text += text
        return self._splitter.feed(text)

    def finish(self) -> list[str]:
        """Nothing more comes; gives what is left to be reviewed."""
        self._finished = True
        return self._splitter.flush()

    def add(self, audio: bytes) -> None:
        self._waiting.append((len(self._text), audio))

    def allow(self, sentence: str) -> str:
        """A sentence of those given may be heard; its text, with the white space before it."""
        start = self._reviewed
        self._reviewed = self._text.index(sentence, start) + len(sentence)
        return self._text[start : self._reviewed]

    def take(self) -> bytes:
        """The audio that may be heard by now."""
        ready = bytearray()
        everything = self._finished and not self._text[self._reviewed :].strip()
        while self._waiting and (everything or self._waiting[0][0] < self._reviewed):
            ready += self._waiting.popleft()[1]
        return bytes(ready)
