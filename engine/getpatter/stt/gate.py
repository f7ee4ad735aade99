"""Keeps silence away from a decoder, which would work through it as hard as through speech."""

from __future__ import annotations

from collections import deque

import numpy as np

from getpatter.audio.format import FRAME_BYTES, FRAME_S
from getpatter.audio.g711 import MULAW_TO_FLOAT

THRESHOLD = 100
"""Root mean square of a frame of pcm16 that may be speech: -50 dBFS, where telephone speech has -20 to -35."""
PRE_ROLL_FRAMES = round(0.3 / FRAME_S)
"""Kept from before the first loud frame: soft consonants, and silence for the decoder to begin in."""
HANGOVER_FRAMES = round(0.5 / FRAME_S)
"""Passed on after the last loud frame; longer pauses are shortened to this."""

_POWERS = (MULAW_TO_FLOAT.astype(np.float64) * 32768) ** 2


class SilenceGate:
    """µ-law in; the part of it that holds speech, with some silence around, out.  Works in frames of 20 ms."""

    def __init__(self) -> None:
        self._rest = b""
        self._before: deque[bytes] = deque(maxlen=PRE_ROLL_FRAMES)
        self._open_frames = 0

    def feed(self, audio: bytes) -> bytes:
        """Any number of bytes; what is no whole frame yet waits."""
        audio = self._rest + audio
        whole = len(audio) // FRAME_BYTES * FRAME_BYTES
        audio, self._rest = audio[:whole], audio[whole:]
        samples = np.frombuffer(audio, np.uint8).reshape(-1, FRAME_BYTES)
        loud = (_POWERS[samples].mean(axis=1) >= THRESHOLD**2).tolist()
        passed = bytearray()
        for number, is_loud in enumerate(loud):
            passed += self._pass(audio[number * FRAME_BYTES : (number + 1) * FRAME_BYTES], is_loud)
        return bytes(passed)

    def _pass(self, frame: bytes, is_loud: bool) -> bytes:
        if is_loud:
            self._open_frames = HANGOVER_FRAMES
            lead = b"".join(self._before)
            self._before.clear()
            return lead + frame
        if self._open_frames:
            self._open_frames -= 1
            return frame
        self._before.append(frame)
        return b""
