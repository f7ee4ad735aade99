from __future__ import annotations

import subprocess
import sys

import numpy as np

from getpatter.audio import g711

ALL = bytes(range(256))


def test_the_tables_equal_the_decoder_for_every_byte() -> None:
    decoded = np.frombuffer(g711.decode(ALL), "<i2")
    assert (decoded == g711.MULAW_TO_PCM16).all()
    assert (decoded / 32768 == g711.MULAW_TO_FLOAT).all()


def test_the_tables_follow_the_standard() -> None:
    """ITU-T G.711: a sign bit, three bits of exponent, four of mantissa, all inverted; bias 33, here times four."""
    for code, value in zip(ALL, g711.MULAW_TO_PCM16.tolist(), strict=True):
        bits = ~code & 0xFF
        magnitude = (((2 * (bits & 0x0F) + 33) << (bits >> 4 & 7)) - 33) * 4
        assert value == (-magnitude if bits & 0x80 else magnitude)


def test_floats_lie_within_one() -> None:
    assert g711.MULAW_TO_FLOAT.dtype == np.float32
    assert np.abs(g711.MULAW_TO_FLOAT).max() < 1
    assert g711.MULAW_TO_FLOAT[0xFF] == 0


def test_what_was_decoded_encodes_to_the_same_sound() -> None:
    pcm = g711.decode(ALL)
    assert g711.decode(g711.encode(pcm)) == pcm


def test_every_sample_is_encoded_to_a_near_one() -> None:
    samples = np.arange(-32768, 32768).astype("<i2")
    back = np.frombuffer(g711.decode(g711.encode(samples.tobytes())), "<i2").astype(int)
    loudness = np.minimum(np.abs(samples.astype(int)), 32635)
    assert (np.abs(np.abs(back) - loudness) <= np.maximum(8, loudness / 32 + 8)).all()


def test_importing_warns_nobody() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", "import getpatter.audio.g711"], check=True)


def test_a_sum_saturates_and_does_not_wrap() -> None:
    first, second = (np.array(values, "<i2").tobytes() for values in ([1, 30000, -30000], [2, 30000, -30000]))
    assert np.frombuffer(g711.add(first, second), "<i2").tolist() == [3, 32767, -32768]


def test_alaw_becomes_the_nearest_mulaw() -> None:
    """ITU-T G.711, tables 3 and 4: silence, the smallest step either way, and both ends."""
    assert g711.from_alaw(bytes([0xD5, 0x55, 0xAA, 0x2A])) == g711.encode(
        np.array([8, -8, 32256, -32256], "<i2").tobytes()
    )
    assert g711.from_alaw(b"") == b""
