"""A line that is never silent: the agent's speech over the sound of a place, and that sound alone in between."""

from __future__ import annotations

from collections.abc import Callable

from getpatter.audio.background import BackgroundTrack
from getpatter.audio.format import FRAME_BYTES, FRAME_S, LINE, SILENCE
from getpatter.clock import Clock
from getpatter.conversation.pacer import Pacer
from getpatter.conversation.speaker import Line

LEAD_S = 0.04
"""Background that the carrier has in hand while nobody speaks: speech that begins is heard so much later at most."""
_HALF = FRAME_S / 2
_SILENT_FRAME = bytes([SILENCE]) * FRAME_BYTES


class AmbientLine:
    """A `Line` on top of one.  The background goes on from its construction until `close`, also after a `clear`.

    The times of the speech that it is given assume an empty line, so they are early by the background in hand: it
    passes on when the audio will really be played.
    """

    def __init__(self, line: Line, track: BackgroundTrack, pacer: Pacer, clock: Clock) -> None:
        self._line = line
        self._track = track
        self._clock = clock
        self._sent_until = clock.now()
        """When all that was sent will have been played."""
        self._closed = False
        self._speaking: Callable[[], bool] = lambda: False
        self._fill(self._sent_until)
        pacer.add(self._pump)

    def under(self, speaking: Callable[[], bool]) -> None:
        """The background steps back while `speaking` says that there is speech to be sent."""
        self._speaking = speaking

    def close(self) -> None:
        self._closed = True

    # -- a line

    def play(self, audio: bytes, plays_at: float) -> None:
        self._send(audio, self._clock.now())

    def mark(self, name: str) -> None:
        self._line.mark(name)

    def clear(self) -> None:
        self._line.clear()
        if not self._closed:
            self._sent_until = self._clock.now()
            self._fill(self._sent_until)

    # -- the background

    def _pump(self, now: float) -> bool:
        if not (self._closed or self._speaking()):
            self._fill(now)
        return not self._closed

    def _fill(self, now: float) -> None:
        missing = LEAD_S - max(0.0, self._sent_until - now)
        # Half a frame of tolerance: a timer that fires slightly early must not skip its frame.
        if frames := int((missing + _HALF) / FRAME_S):
            self._send(_SILENT_FRAME * frames, now)

    def _send(self, audio: bytes, now: float) -> None:
        plays_at = max(now, self._sent_until)
        self._line.play(self._track.mix(audio), plays_at)
        self._sent_until = plays_at + len(audio) / LINE.bytes_per_second
