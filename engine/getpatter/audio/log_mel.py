"""Whisper's log-mel spectrogram, the input of models that stand on Whisper's encoder.

The definition is that of the Whisper paper (Radford et al. 2022, section 2.2) and its published code: 25 ms Hann
windows every 10 ms at 16 kHz, the power spectrum through 80 triangular filters of unit area on Slaney's mel scale,
log10, at most 8 decades below the loudest, scaled to about [-1, 1].
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE = 16000
"""Hz.  No other rate can be given: the filters are laid out for this one."""
WINDOW = 400
HOP = 160
"""Samples between the centres of two windows."""
MELS = 80

_LINEAR_MELS_PER_HZ = 3 / 200
_BREAK_HZ = 1000.0
"""Slaney's scale is linear below and logarithmic above, with 27 mels to a factor of 6.4."""
_LOG_MELS_PER_NEPER = 27 / np.log(6.4)
_BREAK_MEL = _BREAK_HZ * _LINEAR_MELS_PER_HZ

_POWER_FLOOR = 1e-10
_DECADES = 8.0
_VARIANCE_FLOOR = 1e-7


def log_mel(samples: Floats) -> Floats:
    """float32 [n] at `RATE`, a multiple of `HOP` and more than half a window, to float32 [MELS, n / HOP].

    The samples' own level does not matter: they are first brought to zero mean and unit variance, as Whisper's
    feature extractor does with `do_normalize`.
    """
    filters, hann = _filters(), _hann()
    level = samples - samples.mean()
    level /= np.sqrt(samples.var() + _VARIANCE_FLOOR)
    padded = np.pad(level, WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: len(samples) : HOP]
    spectrum = np.fft.rfft(windows * hann)
    power = spectrum.real**2 + spectrum.imag**2
    decades = np.log10(np.maximum(filters @ power.T, _POWER_FLOOR))
    np.maximum(decades, decades.max() - _DECADES, out=decades)
    return ((decades + 4) / 4).astype(np.float32, copy=False)


@cache
def _hann() -> Floats:
    """float32 [WINDOW], periodic."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
    window.flags.writeable = False
    return window


@cache
def _filters() -> Floats:
    """float32 [MELS, WINDOW // 2 + 1]: each row is one filter over the bins of the power spectrum."""
    bins_hz = np.arange(WINDOW // 2 + 1) * (RATE / WINDOW)
    corners = _hz(np.linspace(0, _mel(RATE / 2), MELS + 2))
    rows = [
        np.interp(bins_hz, (low, centre, high), (0.0, 2 / (high - low), 0.0))
        for low, centre, high in zip(corners, corners[1:], corners[2:], strict=False)
    ]
    filters = np.array(rows, np.float32)
    filters.flags.writeable = False
    return filters


def _mel(hz: float) -> float:
    """For frequencies above the break."""
    return float(_BREAK_MEL + np.log(hz / _BREAK_HZ) * _LOG_MELS_PER_NEPER)


def _hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = np.maximum(mels - _BREAK_MEL, 0) / _LOG_MELS_PER_NEPER
    return np.where(mels < _BREAK_MEL, mels / _LINEAR_MELS_PER_HZ, _BREAK_HZ * np.exp(above))
