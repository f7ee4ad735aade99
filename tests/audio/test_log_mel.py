from __future__ import annotations

import numpy as np
import pytest

from getpatter.audio.log_mel import HOP, MELS, RATE, WINDOW, Floats, log_mel

SECOND = np.arange(RATE) / RATE


def tone(hz: float) -> Floats:
    return np.sin(2 * np.pi * hz * SECOND).astype(np.float32)


def noise() -> Floats:
    return np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)


def slaney_centres() -> list[float]:
    """Hz of each filter: three mels to 200 Hz up to 1 kHz, then 27 mels to a factor of 6.4."""
    step = (15 + 27 * np.log(8) / np.log(6.4)) / (MELS + 1)
    mels = [step * (index + 1) for index in range(MELS)]
    return [mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27) for mel in mels]


def by_definition(samples: Floats, frame: int) -> list[float]:
    """One frame, before it is limited: a Fourier sum and triangles, each written out."""
    level = (samples - samples.mean()) / samples.std()
    start = frame * HOP - WINDOW // 2
    n = np.arange(WINDOW)
    windowed = level[start : start + WINDOW] * np.sin(np.pi * n / WINDOW) ** 2
    bins = np.arange(WINDOW // 2 + 1)
    power = np.abs(np.exp(-2j * np.pi * np.outer(bins, n) / WINDOW) @ windowed) ** 2
    corners = [0.0, *slaney_centres(), RATE / 2]
    values = []
    for low, centre, high in zip(corners, corners[1:], corners[2:], strict=False):
        hz = bins * RATE / WINDOW
        triangle = np.clip(np.minimum((hz - low) / (centre - low), (high - hz) / (high - centre)), 0, None)
        values.append((np.log10(triangle @ power * 2 / (high - low)) + 4) / 4)
    return values


@pytest.mark.parametrize("frame", [2, 50, 97])
def test_a_frame_is_what_the_definition_says(frame: int) -> None:
    samples = noise()
    assert log_mel(samples)[:, frame].tolist() == pytest.approx(by_definition(samples, frame), abs=1e-4)


def test_a_second_has_a_hundred_frames() -> None:
    spectrum = log_mel(noise())
    assert spectrum.shape == (MELS, 100)
    assert spectrum.dtype == np.float32


@pytest.mark.parametrize("hz", [200, 440, 1000, 3000, 7000])
def test_a_tone_is_loudest_in_the_filter_around_it(hz: float) -> None:
    nearest = int(np.argmin([abs(centre - hz) for centre in slaney_centres()]))
    assert abs(int(log_mel(tone(hz))[:, 50].argmax()) - nearest) <= 1


def test_a_quiet_speaker_looks_like_a_loud_one() -> None:
    assert log_mel(noise() * np.float32(0.1)) == pytest.approx(log_mel(noise()), abs=1e-3)


def test_eight_decades_are_kept() -> None:
    half_silent = noise()
    half_silent[RATE // 2 :] = 0
    spectrum = log_mel(half_silent)
    assert spectrum.max() - spectrum.min() == pytest.approx(8 / 4)


def test_silence_has_a_picture_too() -> None:
    assert np.isfinite(log_mel(np.zeros(RATE, np.float32))).all()
