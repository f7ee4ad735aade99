"""Recording a call: both sides on one timeline, as a WAV file that is valid after every write.

`StereoRecorder` holds what is not yet written and does no I/O; `write_header` and `patch_sizes` act on an open file.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

import numpy as np

from getpatter.audio.format import LINE, SILENCE
from getpatter.audio.g711 import MULAW_TO_PCM16

CHANNELS = 2
SAMPLE_BYTES = 2
FRAME_BYTES = CHANNELS * SAMPLE_BYTES
"""One sample of each side."""
MAX_DRIFT_S = 0.06
"""How far audio may stand from its time, so that the jitter of three telephone frames leaves neither gaps nor cuts."""

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_RIFF_SIZE_AT, _DATA_SIZE_AT = 4, 40
_MAX_DRIFT = round(MAX_DRIFT_S * LINE.rate)


class _Track:
    """One side's µ-law samples from `start` on; positions count samples since the recording began."""

    def __init__(self) -> None:
        self.start = 0
        self.audio = bytearray()
        self._gap_at = 0
        self._gap_size = 0
        """The latest silence that was put in for want of audio."""

    @property
    def end(self) -> int:
        return self.start + len(self.audio)

    def put(self, audio: bytes, at: int) -> None:
        ahead = self.end - at
        if ahead < -_MAX_DRIFT:
            self._gap_at, self._gap_size = self.end, -ahead
            self.audio += bytes([SILENCE]) * -ahead
        elif ahead > _MAX_DRIFT:
            audio = audio[ahead - self._close_gap(ahead) :]
        self.audio += audio

    def cut(self, at: int) -> None:
        del self.audio[max(0, at - self.start) :]
        self._gap_size = 0

    def take(self, until: int) -> bytes:
        count = until - self.start
        taken = bytes(self.audio[:count])
        del self.audio[:count]
        self.start = until
        if self._gap_at < until:
            self._gap_size = max(0, self._gap_at + self._gap_size - until)
            self._gap_at = until
        return taken.ljust(count, bytes([SILENCE]))

    def _close_gap(self, wanted: int) -> int:
        """Move what follows the gap back into it, by as many samples as are wanted and left; how many they were.

        A socket that stalls gives a gap first and then, all at once, the audio that belongs there.
        """
        size = min(wanted, self._gap_size)
        at = self._gap_at - self.start
        del self.audio[at : at + size]
        self._gap_size -= size
        return size


class StereoRecorder:
    """Caller left, agent right, 8 kHz.  Times are seconds since the recording began.

    Audio follows what is there already when that stands within `MAX_DRIFT_S` of its time.  Beyond that a gap becomes
    silence.  Audio that finds its place taken moves what is there back into the latest gap, or else loses the part
    that overlaps.
    """

    def __init__(self) -> None:
        self._caller = _Track()
        self._agent = _Track()

    def caller(self, audio: bytes, at_s: float) -> None:
        """µ-law that the caller began to say at `at_s`."""
        self._caller.put(audio, _samples(at_s))

    def agent(self, audio: bytes, at_s: float) -> None:
        """µ-law whose playing began, or will begin, at `at_s`."""
        self._agent.put(audio, _samples(at_s))

    def cut_agent(self, at_s: float) -> None:
        """Drop the agent's audio from `at_s` on, as a `clear` on the line does.  What was taken stays."""
        self._agent.cut(_samples(at_s))

    def take(self, until_s: float) -> bytes:
        """All since the last take up to `until_s`, as interleaved pcm16; silence where a side has nothing.

        What was taken is final: audio that comes later for that time moves behind it or is dropped, so stay a moment
        behind the present.  The recorder holds only what was not yet taken.
        """
        until = max(_samples(until_s), self._caller.start)
        sides = (self._caller.take(until), self._agent.take(until))
        frames = np.empty((len(sides[0]), CHANNELS), "<i2")
        for channel, side in enumerate(sides):
            frames[:, channel] = MULAW_TO_PCM16[np.frombuffer(side, np.uint8)]
        return frames.tobytes()


def _samples(seconds: float) -> int:
    return round(seconds * LINE.rate)


def write_header(file: BinaryIO) -> None:
    """Begin a stereo pcm16 WAV file of no length (Microsoft RIFF, format 1)."""
    bytes_per_second = LINE.rate * FRAME_BYTES
    chunk = (b"fmt ", 16, 1, CHANNELS, LINE.rate, bytes_per_second, FRAME_BYTES, 8 * SAMPLE_BYTES)
    file.write(_HEADER.pack(b"RIFF", _HEADER.size - 8, b"WAVE", *chunk, b"data", 0))
    file.flush()


def patch_sizes(file: BinaryIO) -> None:
    """Make the header tell the length that the file has now, and go on at its end."""
    size = file.seek(0, os.SEEK_END)
    for at, value in ((_RIFF_SIZE_AT, size - 8), (_DATA_SIZE_AT, size - _HEADER.size)):
        file.seek(at)
        file.write(struct.pack("<I", value))
    file.seek(0, os.SEEK_END)
    file.flush()
