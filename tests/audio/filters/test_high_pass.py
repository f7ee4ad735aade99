from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from getpatter.audio.filters.high_pass import HighPass
from getpatter.errors import ConfigurationError

Made = Callable[..., Any]


def test_its_curve_is_that_of_butterworth(run: Made, sine: Made, dbfs: Made) -> None:
    for hz in (30, 60, 120, 200, 300, 1000, 3400):
        output = run(HighPass(120).open(), sine(hz, 2.0, -20))
        analogue = np.tan(np.pi * 120 / 8000) / np.tan(np.pi * hz / 8000)  # prewarped
        assert dbfs(output[8000:]) == pytest.approx(-20 - 10 * np.log10(1 + analogue**4), abs=0.2)


def test_no_offset_is_left(run: Made) -> None:
    assert np.abs(run(HighPass().open(), np.full(8000, 5000.0))[4000:]).max() == 0


def test_frames_make_no_seams(run: Made, noise: Made) -> None:
    sound = noise(0.8, -20)
    assert np.array_equal(run(HighPass().open(), sound), run(HighPass().open(), sound, frames=8))


def test_it_is_the_recurrence_that_its_coefficients_say(run: Made, noise: Made) -> None:
    k = np.tan(np.pi * 200 / 8000)
    scale = 1 + np.sqrt(2) * k + k * k
    a1, a2 = 2 * (k * k - 1) / scale, (1 - np.sqrt(2) * k + k * k) / scale
    sound = np.rint(noise(0.2, -20))
    x1 = x2 = y1 = y2 = 0.0
    expected = []
    for x in sound:
        y = (x - 2 * x1 + x2) / scale - a1 * y1 - a2 * y2
        x1, x2, y1, y2 = x, x1, y, y1
        expected.append(y)
    assert np.abs(run(HighPass(200).open(), sound) - np.array(expected)).max() < 1


def test_too_loud_sound_stays_at_the_limits(run: Made) -> None:
    square = np.where(np.arange(1600) % 160 < 80, 32767.0, -32768.0)
    output = run(HighPass().open(), square)
    assert output.max() == 32767
    assert output.min() == -32768


def test_streams_know_nothing_of_each_other_and_a_reset_forgets(run: Made, noise: Made) -> None:
    settings, sound = HighPass(), noise(0.1, -20)
    first, second = settings.open(), settings.open()
    expected = run(first, sound)
    assert np.array_equal(run(second, sound), expected)
    assert not np.array_equal(run(first, sound), expected)
    first.reset()
    assert np.array_equal(run(first, sound), expected)


@pytest.mark.parametrize("hz", [0, -5, 19, 1001, float("nan")])
def test_other_cut_offs_are_refused(hz: float) -> None:
    with pytest.raises(ConfigurationError, match="cannot begin"):
        HighPass(hz)
