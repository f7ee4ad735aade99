"""The carrier's own recording of a simulated call."""

from __future__ import annotations

import io
import wave
from uuid import uuid4

import numpy as np

from getpatter.audio import g711
from getpatter.audio.format import LINE
from getpatter.testing.far_end import FarEnd


class Recording:
    """Of both sides of a call, from now until `stop`; frame for frame what was said and what was heard."""

    def __init__(self, far_end: FarEnd, channels: int = 1) -> None:
        """`channels` is 1 for both sides mixed, 2 for the far end's left and ours right."""
        self.id = uuid4().hex
        self.channels = channels
        self.is_over = False
        self._far_end = far_end
        self._begin = len(far_end.said)
        self._end = 0

    @property
    def duration_s(self) -> float:
        end = self._end if self.is_over else len(self._far_end.said)
        return (end - self._begin) / LINE.bytes_per_second

    def stop(self) -> None:
        if not self.is_over:
            self._end = len(self._far_end.said)
            self.is_over = True

    def wav(self) -> bytes:
        """A file of 16 bits at 8 kHz, of what there is so far."""
        end = self._end if self.is_over else len(self._far_end.said)
        sides = [
            np.frombuffer(g711.decode(bytes(side[self._begin : end])), "<i2")
            for side in (self._far_end.said, self._far_end.heard)
        ]
        if self.channels == 1:
            samples = (sides[0].astype(np.int32) + sides[1]).clip(-32768, 32767)
        else:
            samples = np.column_stack(sides)
        file = io.BytesIO()
        with wave.open(file, "wb") as wav:
            wav.setnchannels(self.channels)
            wav.setsampwidth(2)
            wav.setframerate(LINE.rate)
            wav.writeframes(samples.astype("<i2").tobytes())
        return file.getvalue()
