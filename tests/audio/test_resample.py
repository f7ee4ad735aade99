from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from getpatter.audio.resample import DELAY_S, RATES, Resampler
from getpatter.errors import ConfigurationError

CONVERSIONS = [(rate, 8000) for rate in RATES if rate != 8000] + [(8000, 16000), (8000, 24000), (24000, 16000)]
FROM_ABOVE = [pair for pair in CONVERSIONS if pair[1] == 8000]

every_conversion = pytest.mark.parametrize(("source", "target"), CONVERSIONS)


def tone(frequency: float, rate: int, seconds: float = 1.0) -> bytes:
    wave = 16000 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    return bytes(np.rint(wave).astype("<i2"))


def samples(pcm16: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm16, "<i2").astype(np.float64)


def level_db(signal: NDArray[np.float64]) -> float:
    """Relative to the tone that `tone` makes."""
    return float(10 * np.log10(np.mean(signal**2) / (16000**2 / 2) + 1e-12))


def settled(pcm16: bytes, rate: int) -> NDArray[np.float64]:
    """Without the filter's onset."""
    return samples(pcm16)[int(3 * DELAY_S * rate) :]


@every_conversion
def test_every_20_ms_in_give_20_ms_out(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    chunk = bytes(2 * source // 50)
    assert {len(resampler.feed(chunk)) for _ in range(20)} == {2 * target // 50}


@settings(deadline=None)
@given(st.sampled_from(CONVERSIONS), st.lists(st.integers(0, 2000), max_size=12))
def test_the_result_does_not_depend_on_the_cut(pair: tuple[int, int], sizes: list[int]) -> None:
    source, target = pair
    audio = np.random.default_rng(0).bytes(sum(sizes))
    whole = Resampler(source, target).feed(audio)
    resampler = Resampler(source, target)
    pieces = []
    at = 0
    for size in sizes:
        pieces.append(resampler.feed(audio[at : at + size]))
        at += size
        assert sum(map(len, pieces)) == 2 * -(-(at // 2) * target // source)
    # float32 sums of another length may round to the neighbouring integer
    assert np.abs(samples(b"".join(pieces)) - samples(whole)).max(initial=0) <= 1


@every_conversion
@pytest.mark.parametrize("frequency", [0.5, 300, 1000, 2000, 3000])
def test_speech_passes_level(source: int, target: int, frequency: float) -> None:
    out = settled(Resampler(source, target).feed(tone(frequency, source, 2)), target)
    assert abs(level_db(out)) < 0.1


@every_conversion
def test_the_telephone_band_loses_less_than_1_db_at_its_end(source: int, target: int) -> None:
    assert -1 < level_db(settled(Resampler(source, target).feed(tone(3400, source)), target)) < 0


@pytest.mark.parametrize(("source", "target"), FROM_ABOVE)
@pytest.mark.parametrize(("frequency", "at_most_db"), [(4200, -45), (4400, -70), (5000, -75), (6100, -75), (7900, -75)])
def test_what_the_line_cannot_carry_does_not_fold_back(
    source: int, target: int, frequency: float, at_most_db: float
) -> None:
    assert level_db(settled(Resampler(source, target).feed(tone(frequency, source)), target)) < at_most_db


@pytest.mark.parametrize("target", [16000, 24000])
@pytest.mark.parametrize("frequency", [300, 1000, 3000, 3400])
def test_no_images_above_the_line_band(target: int, frequency: float) -> None:
    out = settled(Resampler(8000, target).feed(tone(frequency, 8000)), target)
    spectrum = np.abs(np.fft.rfft(out * np.kaiser(len(out), 14))) ** 2
    above = np.fft.rfftfreq(len(out), 1 / target) > 4200
    assert 10 * np.log10(spectrum[above].sum() / spectrum.sum()) < -70


@every_conversion
def test_sound_is_delayed_by_2_ms(source: int, target: int) -> None:
    heard = samples(Resampler(source, target).feed(tone(400, source)))
    time = np.arange(len(heard)) / target
    delayed = 16000 * np.sin(2 * np.pi * 400 * (time - DELAY_S))
    assert np.abs(heard - delayed)[int(2.5 * DELAY_S * target) :].max() < 40


def test_flush_gives_the_end_and_begins_anew() -> None:
    resampler = Resampler(24000, 8000)
    first = resampler.feed(tone(1000, 24000, 0.1)), resampler.flush()
    assert [len(part) for part in first] == [1600, 32]
    assert np.abs(samples(first[1])).max() > 8000
    assert (resampler.feed(tone(1000, 24000, 0.1)), resampler.flush()) == first


def test_half_a_sample_waits_for_the_other_half() -> None:
    audio = tone(1000, 24000, 0.1)
    resampler = Resampler(24000, 8000)
    assert resampler.feed(audio[:1]) == b""
    assert resampler.feed(audio[1:]) == Resampler(24000, 8000).feed(audio)


def test_the_loudest_sound_does_not_wrap_round() -> None:
    square = np.where(np.arange(4800) // 24 % 2, 32767, -32768).astype("<i2")
    out = samples(Resampler(24000, 8000).feed(square.tobytes()))
    assert out.max() == 32767
    assert out.min() == -32768


def test_an_unknown_rate_is_named() -> None:
    with pytest.raises(ConfigurationError, match="11025 Hz") as caught:
        Resampler(11025, 8000)
    assert "24000" in str(caught.value.next_step)
