"""Where to cut an utterance that is too long for a model: pure, no I/O."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Mono sound between -1 and 1."""

RATE = 16000
"""Hz; of the models that run on this machine."""
SILENCE_RMS = 0.001
"""-60 dBFS, above the noise of an idle line.  Models make up words for silence, so they are not asked about it."""
PAUSE = 0.25
"""A slice this much quieter than the loudest one before it lies between words: 12 dB."""


def from_pcm16(audio: bytes) -> Samples:
    return np.frombuffer(audio, "<i2").astype(np.float32) / np.float32(32768)


def loudness(samples: Samples) -> float:
    """Root mean square; 0 for nothing."""
    return float(np.sqrt(np.mean(np.square(samples)))) if samples.size else 0.0


class PieceCutter:
    """Cuts at the first pause after `after_s`, and at `at_most_s` if there is none."""

    def __init__(self, after_s: float, at_most_s: float, rate: int = RATE) -> None:
        self._after = int(after_s * rate)
        self._at_most = int(at_most_s * rate)
        self._count = 0
        self._loudest = 0.0

    def take(self, samples: Samples) -> bool:
        """The next slice, some 0.1 s; True where the piece ends with it."""
        level = loudness(samples)
        self._loudest = max(self._loudest, level)
        self._count += len(samples)
        pause = self._count >= self._after and level < PAUSE * self._loudest
        if pause or self._count >= self._at_most:
            self.restart()
            return True
        return False

    def restart(self) -> None:
        """Another piece begins."""
        self._count = 0
        self._loudest = 0.0
