from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from getpatter.audio.filters.gain import AgcConfig, AutomaticGain
from getpatter.errors import ConfigurationError

Made = Callable[..., Any]


@pytest.mark.parametrize("level", [-40, -30, -18, -10])
def test_callers_come_to_one_level(run: Made, sine: Made, dbfs: Made, level: float) -> None:
    output = run(AutomaticGain().open(), sine(500, 3.0, level))
    assert dbfs(output[-8000:]) == pytest.approx(-18, abs=0.2)


def test_the_gain_is_bounded_both_ways(run: Made, sine: Made, dbfs: Made) -> None:
    agent = AutomaticGain(AgcConfig(max_gain_db=6))
    assert dbfs(run(agent.open(), sine(500, 3.0, -40))[-8000:]) == pytest.approx(-34, abs=0.2)
    assert dbfs(run(agent.open(), sine(500, 3.0, -6))[-8000:]) == pytest.approx(-12, abs=0.2)


def test_noise_below_speech_is_not_raised(run: Made, noise: Made, dbfs: Made) -> None:
    assert dbfs(run(AutomaticGain().open(), noise(3.0, -50))) == pytest.approx(-50, abs=0.1)


def test_the_gain_stays_over_a_pause(run: Made, sine: Made, noise: Made) -> None:
    stream = AutomaticGain().open()
    run(stream, sine(500, 2.0, -30))
    before = stream.gain_db
    run(stream, noise(2.0, -60))
    run(stream, np.zeros(1600))
    assert stream.gain_db == before == pytest.approx(12, abs=0.2)


def test_it_falls_quickly_and_rises_slowly(run: Made, sine: Made) -> None:
    stream = AutomaticGain().open()
    run(stream, sine(500, 0.2, -38))  # one time constant of the release, towards +20 dB
    assert stream.gain_db == pytest.approx(20 * (1 - np.exp(-1)), abs=0.5)
    stream = AutomaticGain().open()
    run(stream, sine(500, 0.02, -8))  # two of the attack, towards -10 dB
    assert stream.gain_db == pytest.approx(-10 * (1 - np.exp(-2)), abs=0.5)


def test_no_sample_exceeds_the_ceiling(run: Made, sine: Made) -> None:
    stream = AutomaticGain(AgcConfig(ceiling=0.5)).open()
    run(stream, sine(500, 2.0, -40))
    loud = run(stream, sine(500, 0.5, -4))
    assert np.abs(loud).max() <= 0.5 * 32768


def test_the_gain_makes_no_steps(run: Made, sine: Made) -> None:
    output = run(AutomaticGain().open(), sine(100, 1.0, -35))
    steepest = 32768 * np.sqrt(2) * 10 ** (-18 / 20) * 2 * np.pi * 100 / 8000
    assert np.abs(np.diff(output)).max() <= steepest * 1.05


def test_frames_may_come_together(run: Made, sine: Made) -> None:
    sound = sine(300, 0.8, -30)
    assert np.array_equal(run(AutomaticGain().open(), sound), run(AutomaticGain().open(), sound, frames=4))


def test_a_reset_forgets_the_caller(run: Made, sine: Made) -> None:
    stream, sound = AutomaticGain().open(), sine(300, 0.4, -30)
    expected = run(stream, sound)
    stream.reset()
    assert np.array_equal(run(stream, sound), expected)


@pytest.mark.parametrize(
    "wrong", [{"attack_s": 0}, {"release_s": -1}, {"ceiling": 0}, {"ceiling": 1.1}, {"max_gain_db": -1}]
)
def test_what_cannot_work_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="cannot work"):
        AgcConfig(**wrong)


def test_the_floor_lies_below_the_target() -> None:
    with pytest.raises(ConfigurationError, match="is not below"):
        AgcConfig(target_dbfs=-30, speech_floor_dbfs=-30)
