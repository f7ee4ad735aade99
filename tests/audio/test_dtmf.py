"""What ITU-T Q.24 asks of a receiver, and that speech is no key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from getpatter.audio import g711
from getpatter.audio.dtmf import HIGH_HZ, KEYS, LOW_HZ, DtmfDetector, amplitude, tones
from getpatter.audio.format import FRAME_BYTES, LINE
from getpatter.errors import InvalidRequest

ALL_KEYS = "0123456789*#ABCD"
OFFSETS = range(0, FRAME_BYTES, 23)
"""Where in a frame a tone begins, in samples."""


@dataclass(frozen=True)
class Press:
    """A key as the line brings it: levels in dBm0, detuning as a factor, white noise under it by its SNR in dB."""

    seconds: float = 0.06
    low_dbm0: float = -9.0
    high_dbm0: float = -9.0
    low_detuned: float = 0.0
    high_detuned: float = 0.0
    snr_db: float | None = None
    low_hz: float = LOW_HZ[1]
    high_hz: float = HIGH_HZ[1]

    def sound(self, offset: int = 0) -> bytes:
        times = np.arange(round(self.seconds * LINE.rate)) / LINE.rate
        low, high = amplitude(self.low_dbm0), amplitude(self.high_dbm0)
        tone = low * np.sin(2 * np.pi * self.low_hz * (1 + self.low_detuned) * times)
        tone += high * np.sin(2 * np.pi * self.high_hz * (1 + self.high_detuned) * times)
        line = np.concatenate((np.zeros(800 + offset), tone, np.zeros(800)))
        if self.snr_db is not None:
            level = np.sqrt((low**2 + high**2) / 2 / 10 ** (self.snr_db / 10))
            line += np.random.default_rng(offset).normal(0, level, len(line))
        return ulaw(line)

    def heard(self) -> set[str]:
        """What is heard of it, wherever its beginning lies in a frame."""
        return {hear(self.sound(offset)) for offset in OFFSETS}


def ulaw(samples: np.ndarray) -> bytes:
    return g711.encode(np.rint(samples).clip(-32768, 32767).astype("<i2").tobytes())


def hear(line: bytes, size: int = FRAME_BYTES) -> str:
    detector = DtmfDetector()
    return "".join(detector.feed(line[at : at + size]) for at in range(0, len(line), size))


# -- what must be taken


def test_all_keys_are_heard_in_their_order() -> None:
    assert hear(tones(ALL_KEYS)) == ALL_KEYS


def test_tones_and_gaps_of_40_ms_are_enough() -> None:
    assert hear(tones(ALL_KEYS + "5555", tone_s=0.04, gap_s=0.04)) == ALL_KEYS + "5555"
    assert Press(0.04).heard() == {"5"}


@pytest.mark.parametrize("low_hz", LOW_HZ)
@pytest.mark.parametrize("high_hz", HIGH_HZ)
def test_frequencies_off_by_1_5_percent_are_taken_and_by_3_5_refused(low_hz: float, high_hz: float) -> None:
    key = KEYS[LOW_HZ.index(int(low_hz))][HIGH_HZ.index(int(high_hz))]
    for sign in (1, -1):
        pair = {"low_hz": low_hz, "high_hz": high_hz}
        assert Press(low_detuned=sign * 0.015, high_detuned=-sign * 0.015, **pair).heard() == {key}
        assert Press(low_detuned=sign * 0.035, **pair).heard() == {""}
        assert Press(high_detuned=sign * 0.035, **pair).heard() == {""}


@pytest.mark.parametrize("dbm0", [0, -10, -20, -25])
def test_levels_down_to_minus_25_dbm0_are_taken(dbm0: float) -> None:
    assert Press(0.04, dbm0, dbm0).heard() == {"5"}


def test_the_low_tone_may_be_8_db_over_the_high_one_and_the_high_one_4_over_the_low() -> None:
    assert Press(0.04, -9, -17).heard() == {"5"}
    assert Press(0.04, -13, -9).heard() == {"5"}


def test_a_break_of_10_ms_does_not_make_two_of_one() -> None:
    line = bytearray(Press(0.12).sound())
    line[1200:1280] = b"\xff" * 80
    assert hear(bytes(line)) == "5"


@pytest.mark.parametrize(("snr_db", "seconds"), [(20, 0.04), (10, 0.04), (6, 0.1)])
def test_keys_are_heard_over_white_noise(snr_db: float, seconds: float) -> None:
    assert Press(seconds, snr_db=snr_db).heard() == {"5"}


def test_a_held_key_is_one_key() -> None:
    assert hear(Press(3.0).sound()) == "5"


def test_a_key_is_told_within_60_ms() -> None:
    for offset in OFFSETS:
        line = Press(0.3).sound(offset)
        assert hear(line[: -(-(800 + offset + 480) // FRAME_BYTES) * FRAME_BYTES]) == "5"


@given(st.text(ALL_KEYS, max_size=4), st.integers(1, 700))
@settings(max_examples=25)
def test_audio_may_be_cut_anywhere(digits: str, size: int) -> None:
    assert hear(tones(digits), size) == digits


def test_a_key_in_a_long_silence_is_heard_at_once() -> None:
    line = b"\xff" * 80000 + tones("7") + b"\xff" * 80000
    assert hear(line, len(line)) == "7"


# -- what must be refused


def test_tones_up_to_23_ms_are_none() -> None:
    assert Press(0.02).heard() == Press(0.023).heard() == {""}


def test_one_tone_alone_is_no_key() -> None:
    assert Press(low_dbm0=-100).heard() == Press(high_dbm0=-100).heard() == {""}


def test_tones_far_apart_in_level_are_no_key() -> None:
    assert Press(0.1, -5, -17).heard() == Press(0.1, -13, -5).heard() == {""}


def test_faint_tones_are_none() -> None:
    assert Press(0.1, -35, -35).heard() == {""}


def test_recorded_speech_is_no_key(recorded: list[bytes]) -> None:
    assert [hear(track) for track in recorded] == [""] * len(recorded)


def test_synthesised_speech_is_no_key(synthesised: list[bytes]) -> None:
    assert sum(map(len, synthesised)) > 50 * LINE.rate
    assert hear(b"".join(synthesised)) == ""


# -- making


def test_pauses_last_as_they_say() -> None:
    assert len(tones("1", 0.1, 0.1)) == 1600
    assert tones("w") == b"\xff" * 4000
    assert tones(",") == b"\xff" * 16000
    assert hear(tones("1w1,2")) == "112"


def test_letters_may_be_small() -> None:
    assert tones("abcdW") == tones("ABCDw")


@pytest.mark.parametrize("digits", ["12x", "1 2", "١", "+1"])
def test_what_has_no_tone_cannot_be_dialled(digits: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be dialled"):
        tones(digits)


@pytest.mark.parametrize("times", [(0.0, 0.1), (0.1, 0.0), (0.004, 0.1)])
def test_tones_and_gaps_must_last(times: tuple[float, float]) -> None:
    with pytest.raises(InvalidRequest, match="cannot be heard"):
        tones("1", *times)
