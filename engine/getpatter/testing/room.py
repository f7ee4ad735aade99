"""Far ends that hear each other: two that were connected, a conference, or one that waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal
from uuid import uuid4

import numpy as np

from getpatter.audio import g711
from getpatter.audio.format import FRAME_S
from getpatter.testing.far_end import FarEnd
from getpatter.testing.happenings import RoomEvent
from getpatter.testing.verbs import JoinRoom

LATE_FRAMES = 5
"""How much of a member's sound waits at most for another's clock."""
FULL_SCALE = 32767


class Room:
    """Who is in it hears all others, once it is open."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.id = uuid4().hex
        self.is_open = is_open
        self.is_over = False
        self._heard: dict[FarEnd, dict[FarEnd, deque[bytes]]] = {}
        """For each member the frames of the others that it has not heard yet."""

    @property
    def members(self) -> Sequence[FarEnd]:
        return list(self._heard)

    async def stay(self, far_end: FarEnd, until: Callable[[], bool]) -> None:
        """Let the far end speak and hear until it hangs up, the room is over, or `until` says so, every 20 ms."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        self._heard[far_end] = {}
        try:
            while not (far_end.hung_up or self.is_over or until()):
                far_end.playout.play(self._mix_for(far_end))
                far_end.tick(due)
                self._give_to_others(far_end)
                due += FRAME_S
                await asyncio.sleep(due - loop.time())
        finally:
            del self._heard[far_end]

    def _give_to_others(self, far_end: FarEnd) -> None:
        for member, heard in self._heard.items():
            if member is not far_end and self.is_open:
                heard.setdefault(far_end, deque(maxlen=LATE_FRAMES)).append(far_end.frame)

    def _mix_for(self, far_end: FarEnd) -> bytes:
        frames = [frames.popleft() for frames in self._heard[far_end].values() if frames]
        if len(frames) < 2:
            return frames[0] if frames else b""
        mixed = np.sum([np.frombuffer(g711.decode(frame), "<i2").astype(np.int32) for frame in frames], axis=0)
        return g711.encode(mixed.clip(-FULL_SCALE, FULL_SCALE).astype("<i2").tobytes())


class Conference(Room):
    """A room whose comings and goings are told."""

    def __init__(self) -> None:
        super().__init__(is_open=False)
        self._terms: JoinRoom | None = None
        self._events = 0

    async def attend(
        self, far_end: FarEnd, terms: JoinRoom, until: Callable[[], bool], tell: Callable[[RoomEvent], None]
    ) -> None:
        """`stay`, on these terms."""
        self._terms = self._terms or terms
        if terms.opens and not self.is_open:
            self.is_open = True
            tell(self._event("start", terms))
        tell(self._event("join", terms))
        try:
            await self.stay(far_end, until)
        finally:
            tell(self._event("leave", terms))
            if not self.is_over and (terms.closes or not self.members):
                self.is_over = True
                tell(self._event("end", terms))

    def _event(self, kind: Literal["start", "join", "leave", "end"], own: JoinRoom) -> RoomEvent:
        assert self._terms is not None
        self._events += 1
        return RoomEvent(kind, self.id, self._terms, own, self._events)


async def wait_alone(far_end: FarEnd, until: Callable[[], bool]) -> None:
    """On the line with nobody: the far end speaks, and hears nothing but what is announced to it."""
    await Room().stay(far_end, until)
