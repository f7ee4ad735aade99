"""What stands behind the stand-ins for engines that decide turns themselves: an ear for turns, and a voice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from getpatter.audio.format import AudioFormat
from getpatter.testing.realtime_session import CHUNK_S, SECONDS_A_WORD

SPEECH_S: Final = 0.1
"""Speech that is a voice, and over the agent an interruption."""
SILENCE_S: Final = 0.3
"""Silence behind it that ends the turn."""
SOUND: Final = {"mulaw": b"\x55", "pcm16": b"\x00\x20"}
_SILENT: Final = frozenset(b"\xff\x7f")


class TurnEar:
    """Tells voices from silence by their bytes: µ-law silence is 0xFF or 0x7F, that of PCM near zero."""

    def __init__(self, format: AudioFormat) -> None:
        self._format = format
        self._speech = self._silence = 0.0

    def hear(self, audio: bytes) -> str:
        """`began` with a voice, `ended` with the end of a turn, else nothing."""
        seconds = len(audio) / self._format.bytes_per_second
        if self._is_silent(audio):
            if self._speech < SPEECH_S:
                self._speech = 0.0
                return ""
            self._silence += seconds
            if self._silence < SILENCE_S:
                return ""
            self._speech = self._silence = 0.0
            return "ended"
        before, self._silence = self._speech, 0.0
        self._speech += seconds
        return "began" if before < SPEECH_S <= self._speech else ""

    def _is_silent(self, audio: bytes) -> bool:
        if self._format.encoding == "mulaw":
            return set(audio) <= _SILENT
        return all(abs(sample) < 512 for sample in memoryview(audio[: len(audio) // 2 * 2]).cast("h"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of sound, and the words that come with it."""

    audio: bytes
    words: str
    last: bool

    @property
    def seconds(self) -> float:
        return CHUNK_S


def pieces(text: str, format: AudioFormat) -> Iterator[Piece]:
    """What a voice makes of a text; each piece with the words that begin in it."""
    words = text.split(" ")
    seconds = len(text.split()) * SECONDS_A_WORD
    count = max(1, round(seconds / CHUNK_S))
    size = int(CHUNK_S * format.rate)
    told = 0
    for number in range(count):
        upto = len(words) if number == count - 1 else int((number + 1) * CHUNK_S / SECONDS_A_WORD + 0.5)
        new = words[told:upto]
        joined = " ".join(new)
        yield Piece(SOUND[format.encoding] * size, f" {joined}" if told and new else joined, number == count - 1)
        told = max(told, upto)
