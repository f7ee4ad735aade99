"""Two far ends that talk to each other, in real time."""

from __future__ import annotations

import asyncio

from getpatter.audio.format import FRAME_S
from getpatter.testing.far_end import FarEnd


async def bridge(one: FarEnd, other: FarEnd, hang_up: asyncio.Event) -> None:
    """Let each hear what the other says, until one of them hangs up or `hang_up` is set."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while not (one.hung_up or other.hung_up or hang_up.is_set()):
        one.tick(due)
        other.tick(due)
        one.playout.play(other.frame)
        other.playout.play(one.frame)
        due += FRAME_S
        await asyncio.sleep(due - loop.time())
