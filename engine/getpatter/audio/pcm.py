"""16-bit samples in a stream of bytes that knows nothing of samples."""

from __future__ import annotations


class WholeSamples:
    """Cuts a stream of pcm16 between samples: half a sample waits for its other half."""

    def __init__(self) -> None:
        self._half = b""

    def feed(self, pcm16: bytes) -> bytes:
        """Any number of bytes in, whole samples out."""
        if not self._half and len(pcm16) % 2 == 0:
            return pcm16
        pcm16 = self._half + pcm16
        whole = len(pcm16) // 2 * 2
        self._half = pcm16[whole:]
        return pcm16[:whole]

    def reset(self) -> None:
        """Drop a half that waits."""
        self._half = b""
