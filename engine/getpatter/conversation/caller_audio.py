"""The caller's latest sound, kept for who may ask whether a turn is complete."""

from __future__ import annotations

from getpatter.audio.format import LINE

SPAN_S = 8.0
"""Longest turn that a turn detector listens to."""


class CallerAudio:
    """A ring of line audio (µ-law, 8 kHz): 64 kB a call for the 8 s that it keeps.

    A call whose agent has no turn detector needs none.
    """

    __slots__ = ("_audio", "_limit")

    def __init__(self, span_s: float = SPAN_S) -> None:
        self._limit = round(span_s * LINE.bytes_per_second)
        self._audio = bytearray()

    def append(self, audio: bytes) -> None:
        """Audio as it came; what is older than the span is forgotten."""
        self._audio += audio
        # Deleting a bytearray's head moves a pointer, no bytes.
        del self._audio[: -self._limit]

    def latest(self) -> bytes:
        """All of it, oldest first."""
        return bytes(self._audio)

    def clear(self) -> None:
        """The turn was answered: what comes next belongs to another."""
        self._audio.clear()
