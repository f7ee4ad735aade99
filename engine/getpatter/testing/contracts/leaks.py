"""What a provider must not leave behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TURNS = 200
"""Rounds of the event loop after which what is still at work will not end by itself."""


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Holds that no task begun inside outlives the block."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before
    for _ in range(TURNS):
        left = {task for task in left if not task.done()}
        if not left:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"tasks were left behind: {sorted(task.get_name() for task in left)}")
