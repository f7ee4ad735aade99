from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from getpatter.audio.filters.base import FRAME_PCM_BYTES, FilterStream

Samples = NDArray[np.float64]
Run = Callable[..., Samples]


@pytest.fixture
def run() -> Run:
    """Passes samples through a stream, 20 ms or `frames` times that at once, and gives as many back."""

    def through(stream: FilterStream, samples: Samples, frames: int = 1, reference: Samples | None = None) -> Samples:
        assert len(samples) % (frames * FRAME_PCM_BYTES // 2) == 0
        pcm, size = pcm16(samples), frames * FRAME_PCM_BYTES
        played = None if reference is None else pcm16(reference)
        output = bytearray()
        for at in range(0, len(pcm), size):
            if played is not None:
                stream.reference(played[at : at + size])
            output += stream.process(pcm[at : at + size])
        return np.frombuffer(output, "<i2").astype(float)

    return through


def pcm16(samples: Samples) -> bytes:
    return np.rint(samples).clip(-32768, 32767).astype("<i2").tobytes()


@pytest.fixture
def dbfs() -> Callable[[Samples], float]:
    """Root mean square in dB below full scale."""
    return lambda samples: float(20 * np.log10(np.sqrt((samples**2).mean()) / 32768 + 1e-9))


@pytest.fixture
def noise() -> Callable[[float, float], Samples]:
    """White noise, so many seconds of it at so many dBFS, the same each time."""

    def made(seconds: float, level: float) -> Samples:
        return np.random.default_rng(3).normal(0, 32768 * 10 ** (level / 20), round(seconds * 8000))

    return made


@pytest.fixture
def sine() -> Callable[[float, float, float], Samples]:
    """A sine of so many Hz, seconds and dBFS."""

    def made(hz: float, seconds: float, level: float) -> Samples:
        times = np.arange(round(seconds * 8000)) / 8000
        wave: Samples = 32768 * np.sqrt(2) * 10 ** (level / 20) * np.sin(2 * np.pi * hz * times)
        return wave

    return made
