"""What the caller says to Gemini: as activities to the API, as transcripts to us.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from getpatter.engines import gemini_wire as wire
from getpatter.engines.base import InputTranscript
from getpatter.engines.dialect import Ends

MAX_HELD: Final = 60 * wire.INPUT.bytes_per_second
"""Of a longer monologue over an answer the end matters most."""


class Caller:
    """One session's.  Each commit ends an activity, upon which the API answers."""

    def __init__(self, ends: Ends, *, ending: Callable[[], Sequence[str]], ended: Callable[[], None]) -> None:
        """`ending` gives what is to be told in words with an activity, `ended` is called after each."""
        self._ends = ends
        self._ending = ending
        self._ended = ended
        self._held = [bytearray()]
        """What the API must not hear yet; all but the last were committed."""
        self._is_active = False
        self._due = 0
        """Commits whose transcripts have not been given."""
        self._text = ""

    @property
    def has_spoken(self) -> bool:
        """Something was said that was not committed, or that the API has not heard."""
        return self._is_active or self._holds

    @property
    def _holds(self) -> bool:
        return len(self._held) > 1 or bool(self._held[0])

    def speak(self, audio: bytes, *, hold: bool) -> None:
        """With `hold` the API must not hear it yet."""
        if not hold and not self._holds:
            self._send(audio)
            return
        self._held[-1] += audio
        if (over := len(self._held[-1]) - MAX_HELD) > 0:
            del self._held[-1][:over]

    def commit(self) -> None:
        if self._held[-1]:
            self._held.append(bytearray())
            self._due += 1
        elif self._is_active:
            self._due += 1
            self._end()
        elif not self._due:
            self._ends.emit(InputTranscript("", final=True))
        else:
            self._due += 1

    def release(self) -> None:
        """Let the API hear what was held back."""
        *committed, rest = self._held
        self._held = [bytearray()]
        for audio in committed:
            self._send(bytes(audio))
            self._end()
        if rest:
            self._send(bytes(rest))

    def _send(self, audio: bytes) -> None:
        if not self._is_active:
            self._is_active = True
            self._ends.send(wire.text(wire.ACTIVITY_START))
        self._ends.send(wire.append(audio))

    def _end(self) -> None:
        for note in self._ending():
            self._ends.send(wire.text(wire.told(note)))
        self._is_active = False
        self._ends.send(wire.text(wire.ACTIVITY_END))
        self._ended()

    # -- what the API understands

    def guessed(self, text: str) -> None:
        """What it seems to be, before it is certain."""
        self._ends.emit(InputTranscript((self._text + text).strip(), final=False))

    def understood(self, text: str) -> None:
        """The next words."""
        self._text += text
        if text:
            self._ends.emit(InputTranscript(self._text.strip(), final=False))

    def answered(self) -> None:
        """An answer has ended.  Transcripts have no end of their own, and come in pieces; with it they are taken to be
        whole."""
        due, self._due = self._due, len(self._held) - 1
        if due == self._due:
            return
        self._ends.emit(InputTranscript(self._text.strip(), final=True))
        self._text = ""
        for _ in range(due - self._due - 1):
            self._ends.emit(InputTranscript("", final=True))
