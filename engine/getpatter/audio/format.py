"""What a run of audio bytes means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Mono audio: `mulaw` is one byte a sample (G.711), `pcm16` two, little endian.  `rate` is in Hz."""

    encoding: Literal["mulaw", "pcm16"]
    rate: int

    @property
    def bytes_per_second(self) -> int:
        return self.rate * (1 if self.encoding == "mulaw" else 2)


LINE = AudioFormat("mulaw", 8000)
"""What telephone lines carry, and what the engine holds audio in: 8000 bytes are one second."""

FRAME_S = 0.02
"""One telephone frame (RFC 3551 default packet time)."""
FRAME_BYTES = 160
"""One frame on the line."""
SILENCE = 0xFF
"""G.711 µ-law for a zero sample."""
