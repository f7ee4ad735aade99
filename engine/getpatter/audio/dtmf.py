"""DTMF, the sound of telephone keys: made, and heard on a line that sends no events for them.

Frequencies and tolerances are those of ITU-T Q.23, what a receiver must take and refuse those of Q.24.  Levels are in
dBm0: a sine that just fills µ-law's range has 3.17 (G.711).
"""

from __future__ import annotations

import re
from cmath import phase, rect
from math import pi

import numpy as np
from numpy.typing import NDArray

from getpatter.audio import g711
from getpatter.audio.format import FRAME_BYTES, LINE, SILENCE
from getpatter.errors import InvalidRequest

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")
"""A row for each low frequency, a column for each high one."""

OVERLOAD_DBM0 = 3.17
OVERLOAD = 32636.0
"""The sample, of 16 bits, at which µ-law is full."""

Floats = NDArray[np.float32]

# -- making

SEND_LOW_DBM0 = -9.0
SEND_HIGH_DBM0 = -7.0
"""The higher tone is the louder one, since lines lose more of it."""
FADE_S = 0.002
"""A tone that begins at once is a click, which has all frequencies."""
PAUSES_S = {"w": 0.5, ",": 2.0}
"""As Twilio has `w`, and as modems have the comma."""
_SENDABLE = re.compile(r"[0-9*#A-D,w]*", re.IGNORECASE)


def tones(digits: str, tone_s: float = 0.1, gap_s: float = 0.1) -> bytes:
    """µ-law for `0-9*#A-D`, each followed by a gap; `w` is a pause of 0.5 s and `,` one of 2 s.

    Q.24 asks for tones and gaps of 40 ms; some machines need more, hence the 100.  Raises `InvalidRequest` for other
    characters and for times that are not above 0.
    """
    if not _SENDABLE.fullmatch(digits):
        raise InvalidRequest(f"{digits!r} cannot be dialled.", next_step="Use 0-9, *, #, A-D, and w or , for a pause.")
    if tone_s <= 2 * FADE_S or gap_s <= 0:
        raise InvalidRequest(f"Tones of {tone_s:g} s with gaps of {gap_s:g} s cannot be heard.")
    gap = _silence(gap_s)
    sounds = []
    for digit in digits.lower():
        if (pause_s := PAUSES_S.get(digit)) is not None:
            sounds.append(_silence(pause_s))
        else:
            sounds += [_tone(digit.upper(), tone_s), gap]
    return b"".join(sounds)


def amplitude(dbm0: float) -> float:
    """The peak of a sine of this level, in 16-bit samples."""
    return float(OVERLOAD * 10 ** ((dbm0 - OVERLOAD_DBM0) / 20))


def _tone(digit: str, tone_s: float) -> bytes:
    row = next(index for index, keys in enumerate(KEYS) if digit in keys)
    times = np.arange(round(tone_s * LINE.rate)) / LINE.rate
    low = amplitude(SEND_LOW_DBM0) * np.sin(2 * pi * LOW_HZ[row] * times)
    high = amplitude(SEND_HIGH_DBM0) * np.sin(2 * pi * HIGH_HZ[KEYS[row].index(digit)] * times)
    fade = np.minimum(1, np.minimum(times, times[::-1]) / FADE_S)
    return g711.encode(np.rint((low + high) * fade).astype("<i2").tobytes())


def _silence(seconds: float) -> bytes:
    return bytes([SILENCE]) * round(seconds * LINE.rate)


# -- hearing

WINDOW = 160
"""20 ms with a Hann window: the two groups, 268 Hz apart, do not leak into each other."""
HOP = 40
"""5 ms, so that the phase tells frequencies apart up to 100 Hz from where they should be."""
MIN_LEVEL_DBM0 = -28.0
"""Of each tone.  Q.24 asks for -25; 3 dB in hand for what noise and the window's place take away."""
MAX_DETUNING = 0.025
"""Between the 1.5 % that must be taken and the 3.5 % that must be refused."""
MAX_TWIST_DB = 9.0
"""Low tone over high: 8 must be taken (AT&T's figure in Q.24, as the next), and 1 dB is in hand."""
MAX_REVERSE_TWIST_DB = 5.0
"""High tone over low; 4 must be taken."""
MIN_PURITY = 0.7
"""Part of the window's energy that the two tones must have: 0.76 is left at 5 dB over white noise.  This and the
frequencies are what keeps speech from being taken for keys."""
ON_WINDOWS = 6
"""Windows in a row that make a key, which is true of tones of some 35 ms and more; Q.24: taken from 40, refused up to
23."""
OFF_WINDOWS = 6
"""Windows in a row that end one: gaps of 30 ms and more do, those of 10 do not (Q.24: 40 and 10)."""

_OVERLAP = WINDOW - HOP
_HANN = np.hanning(WINDOW + 2)[1:-1]
_ENERGY = (2 * _HANN**2 / (_HANN**2).sum()).astype(np.float32)
"""Squares of a sine's samples times this are its amplitude squared."""
_MIN_POWER = amplitude(MIN_LEVEL_DBM0) ** 2
_MAX_TWIST = 10 ** (MAX_TWIST_DB / 10)
_MAX_REVERSE_TWIST = 10 ** (MAX_REVERSE_TWIST_DB / 10)
_SILENT_RMS = round(amplitude(MIN_LEVEL_DBM0) / 4)
"""Below this no window can hold a key, and nothing more is done: most of a call's time, one side is silent."""


def _projection() -> Floats:
    """[window, 16]: a stretch of sound times this gives the real parts of the eight tones, then the imaginary ones."""
    angles = 2 * pi * np.outer(np.arange(WINDOW), LOW_HZ + HIGH_HZ) / LINE.rate
    weights = (2 * _HANN / _HANN.sum())[:, None]
    return np.concatenate((weights * np.cos(angles), -weights * np.sin(angles)), axis=1).astype(np.float32)


_PROJECTION_PARTS = _projection()


def _could_be_a_key(low: float, high: float, total: float) -> bool:
    """Whether level, twist and purity are those of a key: amplitudes squared of the two tones and of all there is."""
    return (
        min(low, high) >= _MIN_POWER
        and low <= high * _MAX_TWIST
        and high <= low * _MAX_REVERSE_TWIST
        and low + high >= MIN_PURITY * total
    )


def _in_tune(before: Floats, after: Floats, tone: int) -> bool:
    """Whether a tone's phase went on, in the hop between two windows, as it does at its frequency."""
    turned = complex(after[tone], after[tone + 8]) * complex(before[tone], -before[tone + 8])
    hop_angle = 2 * pi * (LOW_HZ + HIGH_HZ)[tone] * HOP / LINE.rate
    return abs(phase(turned * rect(1, -hop_angle))) <= MAX_DETUNING * hop_angle


class DtmfDetector:
    """Hears keys in one call's audio.

    A key is told 40 to 60 ms after its tone began, and once however long it is held.  Talk-off, keys heard in speech:
    none in the minute of synthesised and the three sentences of recorded speech that its tests play to it.
    """

    def __init__(self) -> None:
        self._before = bytes([SILENCE]) * _OVERLAP
        """What the next window holds before its last hop, µ-law."""
        self._rest = b""
        self._last = np.zeros(16, np.float32)
        """Of the window before, what _PROJECTION_PARTS made of it."""
        self._candidate = ""
        self._run = 0
        """Windows in a row that had the candidate."""
        self._off = OFF_WINDOWS
        """Windows in a row that did not have the key that is down."""
        self._down = ""
        """The key that was told and not let go yet."""

    def feed(self, ulaw: bytes) -> str:
        """The keys that became certain with this audio, of any length; mostly none, at most one in a frame."""
        ulaw = self._rest + ulaw
        whole = len(ulaw) // HOP * HOP
        self._rest = ulaw[whole:]
        return "".join(self._heard(ulaw[at : min(at + FRAME_BYTES, whole)]) for at in range(0, whole, FRAME_BYTES))

    def _heard(self, ulaw: bytes) -> str:
        """The keys that become certain with some hops, a frame's at most: more would hide a key in their silence."""
        if not self._run and not self._down and g711.rms(ulaw) < _SILENT_RMS:
            self._before = (self._before + ulaw)[-_OVERLAP:]
            return ""
        return "".join(map(self._follow, self._keys(ulaw)))

    def _keys(self, ulaw: bytes) -> list[str]:
        """The key in each window that ends with one of the hops; empty where there is none."""
        windows = self._windows(ulaw)
        parts = windows @ _PROJECTION_PARTS
        power = parts[:, :8] ** 2
        power += parts[:, 8:] ** 2
        energy = np.square(windows) @ _ENERGY
        before, self._last = self._last, parts[-1]
        if not (power.sum(axis=1) >= MIN_PURITY * energy).any():
            return [""] * len(windows)
        keys = []
        for n, (powers, total) in enumerate(zip(power.tolist(), energy.tolist(), strict=True)):
            low, high = max(powers[:4]), max(powers[4:])
            if not _could_be_a_key(low, high, total):
                keys.append("")
                continue
            row, column = powers.index(low), powers.index(high, 4)
            turned_from = parts[n - 1] if n else before
            in_tune = _in_tune(turned_from, parts[n], row) and _in_tune(turned_from, parts[n], column)
            keys.append(KEYS[row][column - 4] if in_tune else "")
        return keys

    def _windows(self, ulaw: bytes) -> Floats:
        """[windows, WINDOW]: the stretch that ends with each of the hops."""
        heard = self._before + ulaw
        self._before = heard[-_OVERLAP:]
        samples = np.frombuffer(g711.decode(heard), "<i2").astype(np.float32)
        step = samples.itemsize
        return np.ndarray((len(ulaw) // HOP, WINDOW), np.float32, samples, strides=(HOP * step, step)).copy()

    def _follow(self, key: str) -> str:
        """Take one window's key; the key that it makes certain, if any."""
        if self._down:
            self._off = 0 if key == self._down else self._off + 1
            if self._off >= OFF_WINDOWS:
                self._down = ""
        self._run = self._run + 1 if key and key == self._candidate else int(bool(key))
        self._candidate = key
        if self._run < ON_WINDOWS or key == self._down:
            return ""
        self._down, self._off = key, 0
        return key
