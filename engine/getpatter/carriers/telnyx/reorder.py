"""Audio frames put back into the order in which they were numbered."""

from __future__ import annotations

from typing import Final

HOLD_FRAMES: Final = 3
"""How many frames may wait for one that is missing: 60 ms of them."""
RESTART_FRAMES: Final = 100
"""A number this far behind is no late frame: the numbers have begun anew."""


class FrameOrder:
    """Frames of one stream.  A frame that comes later than those held for it, or twice, is dropped."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, bytes] = {}

    def feed(self, number: int, frame: bytes) -> bytes:
        """The audio that is in order now: this frame, it with those that waited for it, or nothing (b"")."""
        if number == self._next and not self._held:
            self._next += 1
            return frame
        if self._next is None:
            self._next = min(number, 1)  # the first frame has the number 1; it may not be the first to come
        if number < self._next - RESTART_FRAMES:
            self._next, self._held = number, {}
        if number < self._next:
            return b""
        self._held.setdefault(number, frame)
        ready = self._run()
        while len(self._held) > HOLD_FRAMES:
            self._next = min(self._held)
            ready += self._run()
        return ready

    def _run(self) -> bytes:
        """The held frames that follow without a gap."""
        frames: list[bytes] = []
        while self._next is not None and (frame := self._held.pop(self._next, None)) is not None:
            frames.append(frame)
            self._next += 1
        return b"".join(frames)
