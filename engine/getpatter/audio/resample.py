"""Sample rate conversion for live audio: a windowed sinc that holds sound back for 2 ms and no longer.

Library streams collect input and give output in bursts; a call needs 20 ms out for every 20 ms in.  Here each block
of input is multiplied by one matrix, whose columns are the shifted filter.  A shorter piece takes the part of the
matrix that belongs to it, so chunks may have any size and the result does not depend on how the audio was cut.
"""

from __future__ import annotations

from functools import cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from getpatter.audio.pcm import WholeSamples
from getpatter.errors import ConfigurationError

RATES = (8000, 16000, 22050, 24000, 44100, 48000)
"""Hz; what telephone lines and speech providers use."""

DELAY_S = 0.002
"""Half the filter's length.  Gives a transition band of 1.1 kHz at the attenuation below."""
KAISER_BETA = 7.0
"""About 72 dB in the stop band (Kaiser's formula)."""
CUTOFF_BELOW_NYQUIST_HZ = 300
"""Distance of the -6 dB point from half the lower rate: 3.7 kHz for a telephone line, whose band ends at 3.4 kHz."""
BLOCK_S = 0.01
"""Smallest block that one product converts.  Longer ones multiply more zeros, shorter ones call more often."""


@cache
def _filter_matrix(source: int, target: int) -> NDArray[np.float32]:
    """[taps - 1 + block, outputs of the block]: input with history times this is output.

    Output n stands at input position p = n * source / target and sees the inputs p - 4 ms ... p.
    """
    period = source // gcd(source, target)
    block = period * -(-int(source * BLOCK_S) // period)
    taps = int(2 * DELAY_S * source) + 1
    positions = np.arange(block * target // source) * (source / target)
    inputs = np.arange(block + taps - 1) - (taps - 1)
    offset_s = (inputs[:, None] - positions[None, :]) / source + DELAY_S
    cutoff = min(source, target) / 2 - CUTOFF_BELOW_NYQUIST_HZ
    window = np.i0(KAISER_BETA * np.sqrt(np.clip(1 - (offset_s / DELAY_S) ** 2, 0, None)))
    matrix = np.where(np.abs(offset_s) <= DELAY_S + 1e-9, np.sinc(2 * cutoff * offset_s) * window, 0)
    unity: NDArray[np.float32] = (matrix / matrix.sum(axis=0)).astype(np.float32)
    unity.flags.writeable = False
    return unity


class Resampler:
    """Converts one mono stream of little-endian pcm16 from `source` Hz to `target` Hz.

    Output is delayed by `DELAY_S`: n samples in, since the beginning, have always given ceil(n * target / source) out.
    """

    def __init__(self, source: int, target: int) -> None:
        """Raises `ConfigurationError` for rates outside `RATES`."""
        for rate in (source, target):
            if rate not in RATES:
                raise ConfigurationError(
                    f"Audio at {rate} Hz cannot be converted.",
                    next_step=f"Choose one of {', '.join(map(str, RATES))} Hz.",
                )
        self._matrix = _filter_matrix(source, target)
        self._source = source
        self._target = target
        self._block = self._matrix.shape[1] * source // target
        self._history = np.zeros(self._matrix.shape[0] - self._block, np.float32)
        self._position = 0
        self._samples = WholeSamples()

    def feed(self, pcm16: bytes) -> bytes:
        """Any number of bytes; half a sample waits for its other half."""
        pcm16 = self._samples.feed(pcm16)
        if not pcm16:
            return b""
        buffer = np.concatenate((self._history, np.frombuffer(pcm16, "<i2")), dtype=np.float32)
        pieces = self._products(buffer)
        self._history = buffer[-len(self._history) :].copy()  # a view would keep the whole buffer
        samples = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        np.rint(samples, out=samples)
        return samples.clip(-32768, 32767).astype("<i2").tobytes()

    def flush(self) -> bytes:
        """The end that the filter still holds, `DELAY_S` of it; the resampler is as new afterwards."""
        self._samples.reset()
        tail = self.feed(bytes(2 * int(DELAY_S * self._source)))
        self._history = np.zeros_like(self._history)
        self._position = 0
        return tail

    def _products(self, buffer: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The outputs of `buffer`, which begins with the history, cut where blocks end."""
        source, target = self._source, self._target
        overlap = len(self._history)
        pieces = []
        start, end = 0, len(buffer) - overlap
        while start < end:
            at = self._position
            size = min(end - start, self._block - at)
            columns = slice(-(-at * target // source), -(-(at + size) * target // source))
            pieces.append(buffer[start : start + size + overlap] @ self._matrix[at : at + size + overlap, columns])
            self._position = (at + size) % self._block
            start += size
        return pieces
