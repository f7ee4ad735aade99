from __future__ import annotations

import numpy as np
import pytest

from getpatter.audio import g711
from getpatter.audio.beep import BeepDetector
from getpatter.audio.dtmf import tones
from getpatter.audio.format import FRAME_BYTES, FRAME_S, LINE

OFFSETS = range(0, FRAME_BYTES, 37)
LEAD_S = 0.4


def tone(*hz: float, seconds: float = 0.4, dbfs: float = -20.0) -> np.ndarray:
    """Sines of one level, root mean square in dB below full scale."""
    times = np.arange(round(seconds * LINE.rate)) / LINE.rate
    waves = [np.sin(2 * np.pi * each * times + index) for index, each in enumerate(hz)]
    total: np.ndarray = np.sum(waves, axis=0) * 32768 * 10 ** (dbfs / 20) * np.sqrt(2)
    return total


def line(*sounds: np.ndarray, offset: int = 0, noise_dbfs: float = -70.0, tail_s: float = 0.5) -> bytes:
    """Sounds on a line with noise, and silence before and after them."""
    quiet = [np.zeros(round(seconds * LINE.rate)) for seconds in (LEAD_S, tail_s)]
    samples = np.concatenate((np.zeros(offset), quiet[0], *sounds, quiet[1]))
    samples += np.random.default_rng(offset).normal(0, 32768 * 10 ** (noise_dbfs / 20), len(samples))
    return g711.encode(np.rint(samples).clip(-32768, 32767).astype("<i2").tobytes())


def told_at(ulaw: bytes, size: int = FRAME_BYTES) -> list[float]:
    """The ends of the pieces with which a beep was told, in seconds."""
    detector = BeepDetector()
    return [(at + size) / LINE.rate for at in range(0, len(ulaw), size) if detector.feed(ulaw[at : at + size])]


def beeps(*sounds: np.ndarray, noise_dbfs: float = -70.0) -> set[int]:
    """How many are heard, wherever in a frame the sounds begin."""
    return {len(told_at(line(*sounds, offset=offset, noise_dbfs=noise_dbfs))) for offset in OFFSETS}


@pytest.mark.parametrize("hz", [400, 440, 620, 1000, 1400, 2100])
@pytest.mark.parametrize("seconds", [0.15, 0.4, 2.0])
def test_a_steady_tone_is_a_beep(hz: float, seconds: float) -> None:
    assert beeps(tone(hz, seconds=seconds)) == {1}


def test_it_is_told_once_it_is_over_and_soon() -> None:
    for offset in OFFSETS:
        ended = offset / LINE.rate + LEAD_S + 0.5
        (told,) = told_at(line(tone(1000, seconds=0.5), offset=offset))
        assert ended < told <= ended + 0.07


def test_speech_may_follow_at_once(synthesised: list[bytes]) -> None:
    speech = np.frombuffer(g711.decode(synthesised[0]), "<i2").astype(float)
    (told,) = told_at(line(tone(1000, seconds=0.5), speech))
    assert LEAD_S + 0.5 < told <= LEAD_S + 0.5 + 0.11


def test_each_beep_is_told() -> None:
    pause = np.zeros(2400)
    assert beeps(tone(1000), pause, tone(1000), pause, tone(850)) == {3}


@pytest.mark.parametrize("dbfs", [-6, -20, -38])
def test_loud_and_soft_ones_are_heard(dbfs: float) -> None:
    assert beeps(tone(1000, dbfs=dbfs)) == {1}


def test_it_is_heard_10_db_over_white_noise() -> None:
    assert beeps(tone(900, seconds=0.15), noise_dbfs=-30) == {1}


def test_pieces_may_have_any_size() -> None:
    ulaw = line(tone(1000))
    assert len(told_at(ulaw, 37)) == len(told_at(ulaw, 999)) == len(told_at(ulaw, len(ulaw))) == 1


@pytest.mark.parametrize(
    ("what", "hz"),
    [
        ("ringback, United States", (440, 480)),
        ("ringback, United Kingdom", (400, 450)),
        ("dial tone", (350, 440)),
        ("busy", (480, 620)),
        ("a key", (697, 1209)),
        ("a chord", (523, 659, 784)),
        ("an octave", (440, 880)),
    ],
)
def test_several_tones_are_no_beep(what: str, hz: tuple[float, ...]) -> None:
    assert beeps(tone(*hz, seconds=1.0)) == {0}, what


def test_keys_are_no_beeps() -> None:
    assert told_at(tones("0123456789*#ABCD", tone_s=0.3)) == []


def test_three_tones_in_a_row_say_that_there_is_no_such_number() -> None:
    assert beeps(tone(950, seconds=0.33), tone(1400, seconds=0.33), tone(1800, seconds=0.33)) == {0}


@pytest.mark.parametrize("seconds", [0.08, 0.1, 2.6, 4.0])
def test_clicks_and_long_tones_are_none(seconds: float) -> None:
    assert beeps(tone(1000, seconds=seconds)) == {0}


@pytest.mark.parametrize("hz", [300, 380, 2130, 3000])
def test_tones_outside_its_frequencies_are_none(hz: float) -> None:
    assert beeps(tone(hz)) == {0}


def test_a_tone_that_glides_is_none() -> None:
    times = np.arange(4000) / LINE.rate
    assert beeps(3000 * np.sin(2 * np.pi * (600 * times + 400 * times**2))) == {0}


def test_faint_tones_are_none() -> None:
    assert beeps(tone(1000, dbfs=-46)) == {0}


def test_a_tone_that_goes_on_is_not_told() -> None:
    ulaw = line(tone(1000, seconds=1.0))
    assert told_at(ulaw[: round((LEAD_S + 1.0 - FRAME_S) * LINE.rate)]) == []


def test_recorded_speech_is_none(recorded: list[bytes]) -> None:
    assert [told_at(track) for track in recorded] == [[]] * len(recorded)


def test_synthesised_speech_is_none(synthesised: list[bytes]) -> None:
    assert told_at(b"".join(synthesised)) == []
