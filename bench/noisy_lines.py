"""Sounds of a caller's line: recorded speech in the telephone band, noises, and their mixtures at stated levels.

The same in every run: noises come from seeded generators, so files that `save` writes can be given to other systems.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from getpatter.audio import g711
from getpatter.audio.format import FRAME_BYTES, LINE
from getpatter.audio.resample import Resampler
from getpatter.testing.clips import load_clip
from getpatter.testing.load import SPEECH

RECORDED = Path(__file__).parents[2] / "shared" / "data" / "speech"
"""Recordings of read sentences: NAME.wav, and NAME.json with the times of its words."""
SPEECH_DBFS = -20.0
"""Level of all speech, over its whole length."""
QUIET_DBFS = -66.0
"""What a line without noise has."""
FULL_SCALE = 32768.0
HUM_HZ = (50, 100, 150, 250, 350)
HISS_DB = -12.0
"""Broadband noise under the hum, relative to it."""
VOICES_IN_BABBLE = 6

Sound: TypeAlias = NDArray[np.float64]
"""8 kHz samples in [-1, 1)."""


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech from its first sound to its last one."""

    name: str
    sound: Sound
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        return len(self.sound) / LINE.rate

    def words_from(self, start_s: float) -> list[Word]:
        """When they are spoken on a line where the utterance begins then."""
        return [Word(word.text, start_s + word.start_s, start_s + word.end_s) for word in self.words]


def level(sound: Sound, dbfs: float) -> Sound:
    """The sound, at a root mean square of so much."""
    rms = float(np.sqrt(np.mean(sound**2)))
    return sound * (10 ** (dbfs / 20) / rms) if rms else sound


def silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * LINE.rate))


def ulaw(sound: Sound) -> bytes:
    """Whole frames for the line; the last one is filled up with silence."""
    padded = np.append(sound, np.zeros(-len(sound) % FRAME_BYTES))
    return g711.encode(np.rint(padded * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes())


def samples(ulaw: bytes) -> Sound:
    return np.frombuffer(g711.decode(ulaw), "<i2") / FULL_SCALE


# -- speech


@cache
def recordings() -> tuple[Utterance, ...]:
    """Human speech; none where the data is missing."""
    return tuple(_recording(path) for path in sorted(RECORDED.glob("*.wav")))


@cache
def rendered() -> tuple[Utterance, ...]:
    """Synthesised sentences that ship with the package; their words are spread evenly."""
    found = []
    for voice, text in SPEECH:
        if clip := load_clip(voice, text):
            sound, words = level(samples(clip), SPEECH_DBFS), text.split()
            step = len(sound) / LINE.rate / len(words)
            times = tuple(Word(word, step * at, step * (at + 1)) for at, word in enumerate(words))
            found.append(Utterance(text, sound, times))
    return tuple(found)


def _recording(path: Path) -> Utterance:
    with wave.open(str(path)) as file:
        rate, pcm16 = file.getframerate(), file.readframes(file.getnframes())
    told = json.loads(path.with_suffix(".json").read_text("utf-8"))["w"]
    spoken = [entry for entry in told if not entry["t"].startswith("<")]
    began, ended = spoken[0]["b"], spoken[-1]["b"] + spoken[-1]["d"]
    resampler = Resampler(rate, LINE.rate)
    narrow = np.frombuffer(resampler.feed(pcm16) + resampler.flush(), "<i2") / FULL_SCALE
    words = tuple(
        Word(entry["t"].partition("(")[0], entry["b"] - began, entry["b"] + entry["d"] - began) for entry in spoken
    )
    return Utterance(path.stem, level(narrow[round(began * LINE.rate) : round(ended * LINE.rate)], SPEECH_DBFS), words)


# -- what is not speech


def noise(kind: str, seconds: float) -> Sound:
    """`white`, `babble` (several voices at once) or `hum` (mains and its harmonics over a hiss), at full scale."""
    size = round(seconds * LINE.rate)
    return level({"white": _white, "babble": _babble, "hum": _hum}[kind](size), 0.0)


def _white(size: int) -> Sound:
    return np.random.default_rng(1).normal(size=size)


def _babble(size: int) -> Sound:
    chosen, voices = np.random.default_rng(2), [*recordings(), *rendered()]
    mixed = np.zeros(size)
    for number in range(VOICES_IN_BABBLE):
        voice = level(voices[number % len(voices)].sound, 0.0)
        mixed += np.resize(np.roll(voice, int(chosen.integers(len(voice)))), size)
    return mixed


def _hum(size: int) -> Sound:
    times = np.arange(size) / LINE.rate
    tones = sum((np.sin(2 * np.pi * hz * times) / (at + 1) for at, hz in enumerate(HUM_HZ)), np.zeros(size))
    return level(tones, 0.0) + level(_white(size), HISS_DB)


def cough() -> Sound:
    """Two bursts of noise that die away, 0.5 s, as loud as speech."""
    times = np.arange(round(0.25 * LINE.rate)) / LINE.rate
    burst = np.random.default_rng(3).normal(size=len(times)) * np.exp(-times / 0.05)
    return level(np.concatenate((burst, 0.6 * burst)), SPEECH_DBFS)


def hum_of_agreement() -> Sound:
    """A nasal "mm-hm", 0.5 s: a low voice with two syllables."""
    times = np.arange(round(0.5 * LINE.rate)) / LINE.rate
    pitch = 2 * np.pi * np.cumsum(110 + 30 * (times > 0.25)) / LINE.rate
    voice = sum((np.sin(number * pitch) / number**1.5 for number in range(1, 12)), np.zeros(len(times)))
    syllables = np.abs(np.sin(2 * np.pi * times / 0.5))
    return level(voice * syllables, SPEECH_DBFS)


# -- lines


@dataclass(frozen=True, slots=True)
class Condition:
    """The noise on a line; `snr_db` is the level of speech over it."""

    kind: str
    snr_db: float = 0.0

    def __str__(self) -> str:
        return self.kind if self.kind == "clean" else f"{self.kind} {self.snr_db:g} dB"

    def on(self, sound: Sound) -> Sound:
        """The sound on such a line."""
        if self.kind == "clean":
            return sound + level(_white(len(sound)), QUIET_DBFS)
        return sound + level(noise(self.kind, len(sound) / LINE.rate), SPEECH_DBFS - self.snr_db)


def save(folder: Path, lines: Mapping[str, tuple[Sound, Sequence[Word]]]) -> None:
    """Write lines as 8 kHz WAV and, in `lines.json`, when which words are spoken on them."""
    folder.mkdir(parents=True, exist_ok=True)
    times = {}
    for name, (sound, words) in lines.items():
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(LINE.rate)
            file.writeframes(g711.decode(ulaw(sound)))
        times[name] = [{"word": word.text, "start_s": word.start_s, "end_s": word.end_s} for word in words]
    (folder / "lines.json").write_text(json.dumps(times, indent=1), "utf-8")
