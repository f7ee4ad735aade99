"""What stands behind the stand-ins for engines that decide turns themselves: an ear for turns, and a voice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from getpatter.audio import g711
from getpatter.audio.format import AudioFormat
from getpatter.testing.realtime_session import CHUNK_S, SECONDS_A_WORD

SPEECH_S: Final = 0.1
"""Speech that is a voice, and over the agent an interruption."""
SILENCE_S: Final = 0.3
"""Silence behind it that ends the turn."""
SOUND: Final = {"mulaw": b"\x55", "pcm16": b"\x00\x20"}
LOUD: Final = 200
"""Of 16-bit samples; a line is never quite still."""


class TurnEar:
    """Tells voices from silence by how loud they are."""

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
        """Nearly all of it: a resampler rings for some samples."""
        pcm = g711.decode(audio) if self._format.encoding == "mulaw" else audio[: len(audio) // 2 * 2]
        samples = np.frombuffer(pcm, "<i2").astype(np.int32)
        return bool((np.abs(samples) > LOUD).sum() < len(samples) / 10)


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
