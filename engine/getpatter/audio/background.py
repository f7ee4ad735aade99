"""Sound of a place under the agent's voice, so that pauses do not sound like a dead line."""

from __future__ import annotations

import wave
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from getpatter.audio import g711
from getpatter.audio.format import FRAME_BYTES, LINE, SILENCE
from getpatter.errors import ConfigurationError

ROOM_DBFS = -20.0
"""Root mean square of the built-in clip, about that of telephone speech."""
ROOM_S = 12.0
"""Long enough that nobody hears it come round."""
CROSSFADE_S = 0.1
"""The clip's end is faded into its beginning, which it loses by that: a loop without a click or a gap."""
MIN_CLIP_S, MAX_CLIP_S = 0.5, 120.0
MIN_RATE = 8000
"""Hz; below it a clip would sound like a telephone behind a telephone."""
DUCK_HOLD_S = 0.5
"""Silence of the agent that is still a pause in its speech."""
RAMP_S = 0.2
"""From one level to the other: slow enough not to be noticed."""
EDGE_HZ = 3400.0, 3900.0
"""Between these what a clip has goes down to nothing: a telephone's band ends there."""

_SILENT_FRAME = bytes([SILENCE]) * FRAME_BYTES
_HOLD = round(DUCK_HOLD_S * LINE.rate)
_RAMP = round(RAMP_S * LINE.rate)
_FULL_SCALE = 32768

Floats = NDArray[np.float64]


class BackgroundAudio:
    """Settings of a background; made once and shared by calls.

    `clip` is a WAV file (PCM of 8 to 32 bits, any rate, any channels) or "room", a quiet room that is computed here.
    `volume_db` is what is added to the clip's level: "room" at -26 lies at -46 dBFS, 26 dB under the voice.  While the
    agent speaks it is `duck_db` quieter still.  Raises `ConfigurationError` for a file that cannot be used; reads and
    converts it at once, about 10 ms for each 10 s.
    """

    def __init__(self, clip: Path | str = "room", volume_db: float = -26.0, *, duck_db: float = 6.0) -> None:
        if volume_db > 0 or duck_db < 0:
            raise ConfigurationError(
                f"A background cannot have {volume_db:g} dB and duck by {duck_db:g} dB.",
                next_step="volume_db must be 0 or less, duck_db 0 or more.",
            )
        loop = _room() if clip == "room" else _load(Path(clip))
        gain = 10 ** (volume_db / 20)
        self._loud = _pcm(loop * gain)
        self._ducked = _pcm(loop * gain * 10 ** (-duck_db / 20))
        self._line = g711.encode(self._loud)

    @property
    def duration_s(self) -> float:
        """Of the loop."""
        return len(self._line) / LINE.rate

    def open(self) -> BackgroundTrack:
        """The background of one call, from the clip's beginning."""
        return BackgroundTrack(self._loud, self._ducked, self._line)


class BackgroundTrack:
    """The background of one call.  Made by `BackgroundAudio.open`."""

    def __init__(self, loud: bytes, ducked: bytes, line: bytes) -> None:
        self._loud = loud
        self._ducked = ducked
        self._line = line
        self._at = 0
        self._silent = _HOLD
        """Samples since the agent last spoke."""
        self._level = 1.0
        """From 0, ducked, to 1."""

    def mix(self, ulaw: bytes) -> bytes:
        """The agent's sound over the background: µ-law of any length, as much out as in, no delay.

        Call it for each frame that goes out, also for frames of silence while the agent does not speak; of such a
        stretch nothing is decoded or encoded.
        """
        size = len(ulaw)
        speaks = ulaw != _SILENT_FRAME and ulaw.count(SILENCE) != size
        self._silent = 0 if speaks else min(self._silent + size, _HOLD)
        target = 1.0 if self._silent == _HOLD else 0.0
        if self._level != target:
            background = self._ramped(target, size)
        elif not speaks and target:
            mixed = self._cut(self._line, size)
            self._advance(size)
            return mixed
        else:
            background = self._cut(self._loud if target else self._ducked, size, 2)
        self._advance(size)
        return g711.encode(g711.add(g711.decode(ulaw), background))

    def _ramped(self, target: float, size: int) -> bytes:
        """The next stretch, on its way from one level to the other."""
        way = np.arange(1, size + 1, dtype=np.float32) / _RAMP
        levels = np.clip(self._level + (way if target else -way), 0, 1)
        self._level = float(levels[-1])
        loud, ducked = (np.frombuffer(self._cut(pcm, size, 2), "<i2") for pcm in (self._loud, self._ducked))
        return np.rint(ducked + (loud - ducked.astype(np.float32)) * levels).astype("<i2").tobytes()

    def _cut(self, loop: bytes, size: int, width: int = 1) -> bytes:
        """The next `size` samples of `loop`, which has `width` bytes for each."""
        piece = loop[self._at * width : (self._at + size) * width]
        while len(piece) < size * width:
            piece += loop[: size * width - len(piece)]
        return piece

    def _advance(self, size: int) -> None:
        self._at = (self._at + size) % len(self._line)


def _pcm(samples: Floats) -> bytes:
    return np.rint(samples * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes()


@cache
def _room() -> Floats:
    """Noise of a quiet room, the same in every process: it falls by 6 dB an octave, and breathes a little.

    Made of sines that fit into the loop a whole number of times, so it needs no crossfade.
    """
    size = round(ROOM_S * LINE.rate)
    hz = np.fft.rfftfreq(size, 1 / LINE.rate)
    random = np.random.default_rng(9)
    phases = np.exp(2j * np.pi * random.random(len(hz)))
    loudness = hz / np.hypot(hz, 150) * 250 / np.hypot(hz, 250) * _edge(hz)
    samples = np.fft.irfft(random.rayleigh(size=len(hz)) * loudness * phases, size)
    times = np.arange(size) / size
    for rounds, depth in ((3, 0.15), (7, 0.1)):
        samples *= 1 + depth * np.sin(2 * np.pi * rounds * times)
    room: Floats = samples * 10 ** (ROOM_DBFS / 20) / np.sqrt((samples**2).mean())
    room.flags.writeable = False
    return room


def _edge(hz: NDArray[np.floating]) -> Floats:
    """1 below the upper edge of the telephone's band, 0 above, and half a cosine between."""
    low, high = EDGE_HZ
    passed: Floats = 0.5 + 0.5 * np.cos(np.pi * np.clip((hz - low) / (high - low), 0, 1))
    return passed


def _load(path: Path) -> Floats:
    samples, rate = _read(path)
    seconds = len(samples) / rate
    if not MIN_CLIP_S <= seconds <= MAX_CLIP_S:
        raise ConfigurationError(
            f"The background {path} lasts {seconds:.1f} s.",
            next_step=f"Use a clip of {MIN_CLIP_S:g} to {MAX_CLIP_S:g} s.",
        )
    return _resampled_loop(_loop(samples, round(CROSSFADE_S * rate)), rate)


def _read(path: Path) -> tuple[Floats, int]:
    """Mono samples in [-1, 1) and their rate."""
    try:
        with wave.open(str(path)) as wav:
            channels, width, rate = wav.getnchannels(), wav.getsampwidth(), wav.getframerate()
            if rate < MIN_RATE:
                raise wave.Error(f"its rate is {rate} Hz, below {MIN_RATE}")
            if wav.getnframes() > MAX_CLIP_S * rate:
                raise wave.Error(f"it is longer than {MAX_CLIP_S:g} s")
            audio = wav.readframes(wav.getnframes())
    except (OSError, EOFError, wave.Error) as unreadable:
        raise ConfigurationError(
            f"The background {path} cannot be used: {unreadable}.", next_step="Save it as a WAV file with PCM samples."
        ) from unreadable
    audio = audio[: len(audio) // (channels * width) * channels * width]
    return _DECODERS[width](audio).reshape(-1, channels).mean(axis=1), rate


def _pcm24(audio: bytes) -> Floats:
    padded = np.zeros((len(audio) // 3, 4), np.uint8)
    padded[:, 1:] = np.frombuffer(audio, np.uint8).reshape(-1, 3)
    return padded.reshape(-1).view("<i4") / 2.0**31


_DECODERS: dict[int, Callable[[bytes], Floats]] = {
    1: lambda audio: np.frombuffer(audio, np.uint8) / 2.0**7 - 1,
    2: lambda audio: np.frombuffer(audio, "<i2") / 2.0**15,
    3: _pcm24,
    4: lambda audio: np.frombuffer(audio, "<i4") / 2.0**31,
}
"""By the width of a sample in bytes; those of one byte have no sign (Microsoft RIFF)."""


def _loop(samples: Floats, overlap: int) -> Floats:
    """The clip with its last `overlap` samples faded into its first ones, at constant power."""
    angle = np.linspace(0, np.pi / 2, overlap, endpoint=False)
    loop = samples[:-overlap].copy()
    loop[:overlap] = samples[:overlap] * np.sin(angle) + samples[-overlap:] * np.cos(angle)
    return loop


def _resampled_loop(loop: Floats, rate: int) -> Floats:
    """A loop at the line's rate: its spectrum, cut to the telephone's band.  What goes round has no edges to mind."""
    size = round(len(loop) * LINE.rate / rate)
    spectrum = np.fft.rfft(loop)
    spectrum *= _edge(np.fft.rfftfreq(len(loop), 1 / rate))
    return np.fft.irfft(spectrum[: size // 2 + 1], size) * (size / len(loop))
