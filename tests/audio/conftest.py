from __future__ import annotations

import wave
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from getpatter.audio import g711
from getpatter.audio.resample import Resampler
from getpatter.audio.vad import VoiceActivityModel

RECORDED_SPEECH = Path(__file__).parents[3] / "shared" / "data" / "speech"


@pytest.fixture(scope="session")
def model() -> VoiceActivityModel:
    return VoiceActivityModel()


@pytest.fixture(scope="session")
def babble() -> list[bytes]:
    """Five different µ-law tracks of two seconds that a speech model has opinions on: buzzing vowels between noises."""
    random = np.random.default_rng(1)
    time = np.arange(16000) / 8000
    tracks = []
    for pitch in (90, 110, 140, 180, 220):
        phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.1 * np.sin(2 * np.pi * 3 * time))) / 8000
        harmonics = np.arange(1, 3400 // pitch)
        loudness = sum(np.exp(-(((harmonics * pitch - formant) / 200) ** 2)) for formant in (600, 1100, 2500))
        voice = (np.sin(phase[:, None] * harmonics) * loudness).sum(axis=1)
        syllables = np.clip(np.sin(2 * np.pi * 4 * time + pitch), 0, None)
        samples = 4000 * voice * syllables / np.abs(voice).max() + random.normal(0, 60, len(time))
        tracks.append(g711.encode(samples.astype("<i2").tobytes()))
    return tracks


@pytest.fixture(scope="session")
def recorded() -> list[bytes]:
    """Three read sentences as the telephone carries them, µ-law."""
    tracks = []
    for path in sorted(RECORDED_SPEECH.glob("*.wav")):
        with wave.open(str(path)) as file:
            pcm = file.readframes(file.getnframes())
            tracks.append(g711.encode(Resampler(file.getframerate(), 8000).feed(pcm)))
    if not tracks:
        pytest.skip(f"no recorded speech in {RECORDED_SPEECH}")
    return tracks


@pytest.fixture(scope="session")
def synthesised() -> list[bytes]:
    """A minute of synthesised sentences by several voices, µ-law."""
    clips = resources.files("getpatter.testing").joinpath("clips").iterdir()
    return [clip.read_bytes() for clip in sorted(clips, key=str) if clip.name.endswith(".ulaw")]
