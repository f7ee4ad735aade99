"""When speech begins and ends, told from the probabilities of a voice activity model."""

from __future__ import annotations

from math import ceil
from typing import Literal

SpeechEdge = Literal["started", "ended"]


class SpeechDetector:
    """Two thresholds and two waiting times over one probability every `window_s` seconds.

    Speech starts after `start_s` of windows at or above `threshold` in a row.  Silence begins with a window below
    `release` and ends speech once it is `stop_s` old; only a window at or above `threshold` breaks it, so a breath
    does not.
    """

    def __init__(
        self,
        start_s: float,
        stop_s: float,
        threshold: float = 0.5,
        release: float = 0.35,
        window_s: float = 0.032,
    ) -> None:
        self._threshold = threshold
        self._release = release
        self._window_s = window_s
        self._start = _windows(start_s, window_s)
        self._stop = _windows(stop_s, window_s)
        self._run = 0
        """Windows of speech in a row before `started`, of silence after it."""
        self.speaking = False
        self.silence_s = 0.0
        """How long silence had lasted when speech last ended: at least `stop_s`."""

    def feed(self, probability: float) -> SpeechEdge | None:
        """The edge that the next window's probability (0 to 1) brings, if any."""
        if self.speaking:
            return self._hear_silence(probability)
        self._run = self._run + 1 if probability >= self._threshold else 0
        if self._run < self._start:
            return None
        self._run = 0
        self.speaking = True
        return "started"

    def reset(self) -> None:
        """As before the first window; no edge is told for speech that was going on."""
        self._run = 0
        self.speaking = False

    def _hear_silence(self, probability: float) -> SpeechEdge | None:
        if probability >= self._threshold:
            self._run = 0
        elif self._run or probability < self._release:
            self._run += 1
        if self._run < self._stop:
            return None
        self.silence_s = self._run * self._window_s
        self._run = 0
        self.speaking = False
        return "ended"


def _windows(seconds: float, window_s: float) -> int:
    """Whole windows that cover `seconds`, at least one; 0.064 s are two of 32 ms whatever the floats say."""
    return max(1, ceil(round(seconds / window_s, 6)))
