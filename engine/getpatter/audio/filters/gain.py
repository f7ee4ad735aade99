"""Automatic gain: brings quiet and loud callers to one level."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log10

import numpy as np

from getpatter.audio.filters.base import FRAME_PCM_BYTES, FRAME_SAMPLES
from getpatter.audio.format import FRAME_S
from getpatter.errors import ConfigurationError

FULL_SCALE = 32768.0
_RAMP = np.linspace(0, 1, FRAME_SAMPLES, dtype=np.float32)
"""From one frame's factor to the next one's, since a step would click."""


@dataclass(frozen=True, slots=True)
class AgcConfig:
    """Levels are root mean squares of 20 ms in dB below full scale, times are time constants."""

    target_dbfs: float = -18.0
    max_gain_db: float = 30.0
    """Both ways: nobody is made quieter by more than this, either."""
    speech_floor_dbfs: float = -45.0
    """Below this it is not speech: the gain stays as it was, so that noise in pauses is not raised."""
    attack_s: float = 0.01
    """For less gain, when the caller becomes louder."""
    release_s: float = 0.2
    """For more."""
    ceiling: float = 0.99
    """The highest sample that comes out, as a part of full scale."""

    def __post_init__(self) -> None:
        if min(self.attack_s, self.release_s) <= 0 or not 0 < self.ceiling <= 1 or self.max_gain_db < 0:
            raise ConfigurationError(
                f"Automatic gain cannot work like this: {self}.",
                next_step="Times must be above 0, max_gain_db 0 or more, and the ceiling above 0 and at most 1.",
            )
        if self.speech_floor_dbfs >= self.target_dbfs:
            raise ConfigurationError(
                f"The speech floor of {self.speech_floor_dbfs:g} dBFS is not below the target of "
                f"{self.target_dbfs:g} dBFS.",
                next_step="Lower speech_floor_dbfs.",
            )


@dataclass(frozen=True, slots=True)
class AutomaticGain:
    """The filter.  No delay, so a word that begins loud after a quiet one is held at the ceiling for a frame."""

    config: AgcConfig = AgcConfig()
    name = "automatic_gain"
    delay_s = 0.0
    wants_reference = False

    def open(self) -> AutomaticGainStream:
        return AutomaticGainStream(self.config)


class AutomaticGainStream:
    """Made by `AutomaticGain.open`."""

    def __init__(self, config: AgcConfig) -> None:
        self._config = config
        self._fall = 1 - exp(-FRAME_S / config.attack_s)
        self._rise = 1 - exp(-FRAME_S / config.release_s)
        self._ceiling = config.ceiling * FULL_SCALE - 1
        self._gain_db = 0.0
        self._last = 1.0
        """The factor at the end of the last frame."""

    @property
    def gain_db(self) -> float:
        """What it tends to at present; the ceiling may allow less."""
        return self._gain_db

    def process(self, pcm: bytes) -> bytes:
        if len(pcm) == FRAME_PCM_BYTES:
            return self._frame(pcm)
        return b"".join(self._frame(pcm[at : at + FRAME_PCM_BYTES]) for at in range(0, len(pcm), FRAME_PCM_BYTES))

    def reference(self, pcm: bytes) -> None:
        """Not used."""

    def reset(self) -> None:
        self._gain_db = 0.0
        self._last = 1.0

    def close(self) -> None:
        """Nothing to free."""

    def _frame(self, pcm: bytes) -> bytes:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        power = float(samples @ samples) / FRAME_SAMPLES
        if power:
            self._follow(10 * log10(power) - 20 * log10(FULL_SCALE))
        factor = 10 ** (self._gain_db / 20)
        start, self._last = self._last, factor
        peak = float(max(samples.max(), -samples.min()))
        if peak * max(start, factor) > self._ceiling:
            # A limit on the factor keeps the wave's shape, where a limit on samples would cut its tops off.
            start, self._last = min(start, self._ceiling / peak), min(factor, self._ceiling / peak)
        if start == self._last:
            samples *= start
        else:
            samples *= start + (self._last - start) * _RAMP
        return np.rint(samples).astype("<i2").tobytes()

    def _follow(self, level_dbfs: float) -> None:
        config = self._config
        if level_dbfs < config.speech_floor_dbfs:
            return
        wanted = max(-config.max_gain_db, min(config.max_gain_db, config.target_dbfs - level_dbfs))
        step = wanted - self._gain_db
        self._gain_db += step * (self._fall if step < 0 else self._rise)
