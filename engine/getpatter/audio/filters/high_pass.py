"""A high-pass filter: takes out hum, rumble and the low end of wind and traffic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import pi, sqrt, tan

import numpy as np
from numpy.typing import NDArray

from getpatter.audio.filters.base import FRAME_PCM_BYTES, FRAME_SAMPLES
from getpatter.audio.format import LINE
from getpatter.errors import ConfigurationError

CUTOFF_HZ = 120.0
"""Below the lowest voices' second harmonic, and a telephone carries nothing of the first (its band begins at 300)."""
_ORDER = 2
_LOWEST_HZ, _HIGHEST_HZ = 20.0, 1000.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HighPass:
    """Second-order Butterworth: -3 dB at `cutoff_hz`, 12 dB an octave below.  No delay."""

    cutoff_hz: float = CUTOFF_HZ
    name = "high_pass"
    delay_s = 0.0
    wants_reference = False

    def __post_init__(self) -> None:
        if not _LOWEST_HZ <= self.cutoff_hz <= _HIGHEST_HZ:
            raise ConfigurationError(
                f"A high-pass filter cannot begin at {self.cutoff_hz:g} Hz.",
                next_step=f"Choose a cut-off between {_LOWEST_HZ:g} and {_HIGHEST_HZ:g} Hz.",
            )

    def open(self) -> HighPassStream:
        return HighPassStream(_frame_matrix(self.cutoff_hz))


class HighPassStream:
    """Made by `HighPass.open`."""

    def __init__(self, matrix: Floats) -> None:
        self._matrix = matrix
        self._input = np.zeros(FRAME_SAMPLES + _ORDER, np.float32)
        """A frame and, behind it, the filter's state."""

    def process(self, pcm: bytes) -> bytes:
        if len(pcm) == FRAME_PCM_BYTES:
            return self._frame(pcm)
        return b"".join(self._frame(pcm[at : at + FRAME_PCM_BYTES]) for at in range(0, len(pcm), FRAME_PCM_BYTES))

    def reference(self, pcm: bytes) -> None:
        """Not used."""

    def reset(self) -> None:
        self._input[:] = 0

    def close(self) -> None:
        """Nothing to free."""

    def _frame(self, pcm: bytes) -> bytes:
        self._input[:FRAME_SAMPLES] = np.frombuffer(pcm, "<i2")
        output = self._input @ self._matrix
        self._input[FRAME_SAMPLES:] = output[FRAME_SAMPLES:]
        samples = output[:FRAME_SAMPLES]
        np.rint(samples, out=samples)
        return samples.clip(-32768, 32767).astype("<i2").tobytes()


@cache
def _frame_matrix(cutoff_hz: float) -> Floats:
    """[frame + state, frame + state]: one product filters a frame and carries the state on.

    The filter is linear, so its answers to each single sample and to each single state say all about it.
    """
    size = FRAME_SAMPLES + _ORDER
    b, a = _butterworth(cutoff_hz)
    inputs = np.eye(size)
    state = [inputs[:, FRAME_SAMPLES], inputs[:, FRAME_SAMPLES + 1]]
    matrix = np.empty((size, size))
    for n in range(FRAME_SAMPLES):  # transposed direct form II, for all inputs at once
        x = inputs[:, n]
        y = b[0] * x + state[0]
        state = [b[1] * x - a[1] * y + state[1], b[2] * x - a[2] * y]
        matrix[:, n] = y
    matrix[:, FRAME_SAMPLES:] = np.stack(state, axis=1)
    frozen = matrix.astype(np.float32)
    frozen.flags.writeable = False
    return frozen


def _butterworth(cutoff_hz: float) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Numerator and denominator in powers of 1/z: s²/(s² + √2 s + 1) by the bilinear transform, prewarped."""
    k = tan(pi * cutoff_hz / LINE.rate)
    scale = 1 + sqrt(2) * k + k * k
    return (1 / scale, -2 / scale, 1 / scale), (1.0, 2 * (k * k - 1) / scale, (1 - sqrt(2) * k + k * k) / scale)
