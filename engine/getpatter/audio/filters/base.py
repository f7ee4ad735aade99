"""A filter of the caller's sound: settings that calls share, and a stream for each call."""

from __future__ import annotations

from typing import Protocol

from getpatter.audio.format import FRAME_S, LINE

FRAME_SAMPLES = round(FRAME_S * LINE.rate)
FRAME_PCM_BYTES = 2 * FRAME_SAMPLES
"""20 ms of pcm16 at 8 kHz."""


class FilterStream(Protocol):
    """One call's filter.  All audio is pcm16 mono at 8 kHz, little endian, a multiple of 20 ms at a time.

    Every method may raise; the chain then takes the filter out and the call goes on without it.
    """

    def process(self, pcm: bytes) -> bytes:
        """The caller's sound, filtered: the same number of bytes, late by the filter's `delay_s`."""

    def reference(self, pcm: bytes) -> None:
        """What the agent plays while the caller is heard: called before the `process` of the same stretch of time.

        Only filters with `wants_reference` are given it.
        """

    def reset(self) -> None:
        """What comes next does not continue what was heard: drop sound that is held back."""

    def close(self) -> None:
        """Free what the stream holds.  Nothing is called after this."""


class AudioFilter(Protocol):
    """Settings of a filter.  Made once, since it may import a library or load a model; shared by calls."""

    @property
    def name(self) -> str:
        """As logs and reports of failure say it."""

    @property
    def delay_s(self) -> float:
        """The most by which sound comes out later than it went in, in seconds."""

    @property
    def wants_reference(self) -> bool:
        """Whether it is an echo canceller, which needs the agent's sound and runs only while there is any."""

    def open(self) -> FilterStream:
        """A stream for one call."""
