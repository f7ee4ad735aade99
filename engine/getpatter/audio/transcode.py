"""From the audio that one side gives to the audio that the other takes."""

from __future__ import annotations

from getpatter.audio import g711
from getpatter.audio.format import AudioFormat
from getpatter.audio.pcm import WholeSamples
from getpatter.audio.resample import Resampler


class Transcoder:
    """Converts one stream of audio between two formats; bytes of equal formats pass unchanged."""

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        """Raises `ConfigurationError` for rates that the resampler does not know."""
        self._source = source
        self._target = target
        self._resampler = Resampler(source.rate, target.rate) if source.rate != target.rate else None
        self._samples = WholeSamples()

    def feed(self, audio: bytes) -> bytes:
        """Any number of bytes; half a pcm16 sample waits for its other half."""
        if self._source == self._target:
            return audio
        pcm16 = g711.decode(audio) if self._source.encoding == "mulaw" else self._samples.feed(audio)
        return self._encoded(self._resampler.feed(pcm16) if self._resampler else pcm16)

    def flush(self) -> bytes:
        """What is still held back: the resampler's 2 ms, nothing where rates are equal.

        The next `feed` begins a new run of audio; half a sample that never got its other half is dropped.
        """
        self._samples.reset()
        return self._encoded(self._resampler.flush()) if self._resampler else b""

    def _encoded(self, pcm16: bytes) -> bytes:
        return g711.encode(pcm16) if self._target.encoding == "mulaw" else pcm16
