"""A carrier's playout buffer: what the agent sent and the far end has not heard yet."""

from __future__ import annotations

from collections import deque

from getpatter.audio.format import FRAME_BYTES, FRAME_S, SILENCE

_LONGEST_GAP_FRAMES = round(0.2 / FRAME_S)
"""A buffer that is empty for longer than this was not starved: the agent had nothing more to say."""


class PlayoutBuffer:
    """Plays one 20 ms frame a `tick`, as Twilio does: a mark comes back when all audio before it was played, at
    once when nothing is queued, and at once when `clear` drops that audio.

    https://www.twilio.com/docs/voice/media-streams/websocket-messages
    """

    def __init__(self) -> None:
        self._audio = bytearray()
        self._marks: deque[tuple[int, str]] = deque()
        self._received = 0
        self._played = 0
        self._dry_frames: int | None = None
        self.underruns = 0
        """How often playing stopped for at most 0.2 s because the next audio came too late."""
        self.gap_frames = 0
        """How many frames of silence the underruns put into the agent's speech."""

    @property
    def queued_bytes(self) -> int:
        return len(self._audio)

    def play(self, audio: bytes) -> None:
        """Queue µ-law `audio` of any length."""
        if not audio:
            return
        if self._dry_frames is not None and 0 < self._dry_frames <= _LONGEST_GAP_FRAMES:
            self.underruns += 1
            self.gap_frames += self._dry_frames
        self._dry_frames = None
        self._audio += audio
        self._received += len(audio)

    def mark(self, name: str) -> list[str]:
        """Place a mark behind the queued audio; the marks that are played by that."""
        self._marks.append((self._received, name))
        return self._reached()

    def clear(self) -> list[str]:
        """Drop the queued audio; the marks that waited for it."""
        self._audio.clear()
        self._played = self._received
        self._dry_frames = None
        return self._reached()

    def tick(self) -> tuple[bytes, list[str]]:
        """The frame that is heard in the next 20 ms, padded with silence, and the marks that end in it."""
        frame = bytes(self._audio[:FRAME_BYTES])
        del self._audio[:FRAME_BYTES]
        self._played += len(frame)
        if frame:
            self._dry_frames = 0
        elif self._dry_frames is not None:
            self._dry_frames += 1
        return frame.ljust(FRAME_BYTES, bytes([SILENCE])), self._reached()

    def _reached(self) -> list[str]:
        reached = []
        while self._marks and self._marks[0][0] <= self._played:
            reached.append(self._marks.popleft()[1])
        return reached
