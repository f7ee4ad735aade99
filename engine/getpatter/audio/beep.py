"""The beep after which an answering machine records."""

from __future__ import annotations

from math import log, sqrt
from typing import NamedTuple

import numpy as np

from getpatter.audio import g711
from getpatter.audio.format import FRAME_BYTES, FRAME_S, LINE, SILENCE

MIN_HZ, MAX_HZ = 400.0, 2100.0
MARGIN_HZ = 5.0
"""For what noise does to the frequency that is read."""
MIN_S = 0.15
MAX_S = 2.4
"""A longer tone is a dial tone or a fax that answers (CED: 2.6 to 4 s, ITU-T T.30)."""
MIN_DBFS = -40.0
"""Of the tone, root mean square."""

WINDOW = 512
"""64 ms with a Hann window.  Lines 16 Hz apart: the tones of a ringback, 40 Hz from each other, stand out as two."""
LOBE = 2
"""Lines on either side of the peak that a single steady tone reaches through a Hann window."""
MIN_PURITY = 0.8
"""Part of the energy, of a telephone's band, that the tone must have: 0.9 is left at 10 dB over white noise."""
MAX_SECOND = 10 ** (-15 / 10)
"""The strongest line elsewhere, against the tone's: DTMF has its other tone within 8 dB, a chord within less."""
MAX_DRIFT_HZ = 10.0
"""From where the tone began, while it lasts.  A voice, even a sung vowel, wanders further."""
HALF_OUT = 10 ** (-6 / 10)
"""A window that is 6 dB below the loudest of the tone is half out of it: there the tone begins or ends."""
QUIET_WINDOWS = 2
"""Windows without the tone, ending in quiet frames, that make sure that it ended."""
MIXED_WINDOWS = 4
"""The same where other sound follows.  Only then can it be told from the next tone: the three of "no such number"
(ITU-T E.180) follow each other at once, and up to three windows hold two of them."""

_MIN_WINDOWS = round(MIN_S / FRAME_S) - 2
"""A tone of MIN_S is in some 7 windows by HALF_OUT; one less for noise and for where the frames lie to it."""
_MAX_WINDOWS = round(MAX_S / FRAME_S)
_HANN = np.hanning(WINDOW + 2)[1:-1].astype(np.float32)
_LINE_HZ = LINE.rate / WINDOW
_BAND = slice(round(200 / _LINE_HZ), round(3500 / _LINE_HZ))
_TO_POWER = float(2 / (WINDOW * (_HANN**2).sum()))
"""Times the sum of a tone's lines this is its mean square (Parseval)."""
_MIN_POWER = (32768 * 10 ** (MIN_DBFS / 20)) ** 2
_FRAME_FLOOR = round(sqrt(_MIN_POWER) / 4)
"""Root mean square below which a frame is silence; nothing is computed for a window of such."""


class Tone(NamedTuple):
    """`power` is the mean square in 16-bit steps."""

    hz: float
    power: float


class BeepDetector:
    """Hears one steady tone of 400 to 2100 Hz that lasts 0.15 to 2.4 s and is followed by no other.

    Speech, DTMF, ringback and chords are not taken for it.  A single note of music, held without vibrato, is, and so
    are the calling tone of a fax and the ringback of networks that have a single tone for it: ask only after the call
    was answered.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._window = bytearray([SILENCE]) * WINDOW
        self._silent_frames = WINDOW // FRAME_BYTES + 1
        self._hz = 0.0
        """Where the tone began."""
        self._power = 0.0
        """Its greatest."""
        self._run = 0
        """Windows that had it."""
        self._without = 0
        """Windows in a row that have not, since then."""
        self._refused = False
        """It followed another, so it is no beep."""

    def feed(self, ulaw: bytes) -> bool:
        """Take audio of any length; true once for each beep.

        That is 50 to 70 ms after its end where silence follows, up to 110 where other sound does.
        """
        ulaw = self._rest + ulaw
        whole = len(ulaw) // FRAME_BYTES * FRAME_BYTES
        self._rest = ulaw[whole:]
        ended = False
        for at in range(0, whole, FRAME_BYTES):
            ended |= self._frame(ulaw[at : at + FRAME_BYTES])
        return ended

    def _frame(self, ulaw: bytes) -> bool:
        self._window += ulaw
        del self._window[:FRAME_BYTES]
        level = g711.rms(ulaw)
        self._silent_frames = 0 if level >= _FRAME_FLOOR else self._silent_frames + 1
        tone = None if self._silent_frames * FRAME_BYTES >= WINDOW else _single_tone(self._window)
        if tone is None or tone.power < HALF_OUT * self._power:
            return self._run > 0 and self._without_tone(quiet=level**2 < HALF_OUT * self._power)
        self._with_tone(tone)
        return False

    def _with_tone(self, tone: Tone) -> None:
        if not self._run or abs(tone.hz - self._hz) > MAX_DRIFT_HZ:
            self._refused |= self._run >= _MIN_WINDOWS
            self._hz, self._power, self._run = tone.hz, 0.0, 0
        self._power = max(self._power, tone.power)
        self._run += 1
        self._without = 0

    def _without_tone(self, *, quiet: bool) -> bool:
        self._without += 1
        if self._without < (QUIET_WINDOWS if quiet else MIXED_WINDOWS):
            return False
        is_beep = not self._refused and _MIN_WINDOWS <= self._run <= _MAX_WINDOWS
        self._forget_tone()
        return is_beep

    def _forget_tone(self) -> None:
        self._hz = self._power = 0.0
        self._run = self._without = 0
        self._refused = False


def _single_tone(window: bytes | bytearray) -> Tone | None:
    """What dominates the window, if it is one tone of a beep's frequency and level."""
    samples = g711.MULAW_TO_PCM16[np.frombuffer(window, np.uint8)] * _HANN
    spectrum = np.fft.rfft(samples)[_BAND]
    lines = spectrum.real**2 + spectrum.imag**2
    peak = int(lines.argmax())
    low, high = peak - LOBE, peak + LOBE + 1
    if low < 0 or high > len(lines):
        return None
    lobe = float(lines[low:high].sum())
    power = lobe * _TO_POWER
    second = max(float(lines[:low].max(initial=0)), float(lines[high:].max(initial=0)))
    if power < _MIN_POWER or lobe < MIN_PURITY * float(lines.sum()) or second > MAX_SECOND * float(lines[peak]):
        return None
    before, at, after = (log(float(line)) for line in lines[peak - 1 : peak + 2])
    hz = (_BAND.start + peak + (before - after) / (before - 2 * at + after) / 2) * _LINE_HZ  # a parabola's top
    return Tone(hz, power) if MIN_HZ - MARGIN_HZ <= hz <= MAX_HZ + MARGIN_HZ else None
