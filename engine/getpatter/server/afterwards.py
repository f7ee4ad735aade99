"""What a webhook asks for beyond its response."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from getpatter.errors import PatterError

log = logging.getLogger(__name__)

CLOSE_S: Final = 10.0
"""How long commands that are under way may hold up a close."""


class Afterwards:
    """Carries out commands beside the requests that brought them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def carry_out(self, command: Callable[[], Awaitable[None]]) -> None:
        """Returns at once; a failure is logged and no more."""
        task = asyncio.create_task(_supervised(command), name="webhook command")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let what is under way come to its end, and break it off after `CLOSE_S`."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=CLOSE_S)
        for task in late:
            task.cancel()
        if late:
            log.warning("%d commands of webhooks were broken off", len(late))
            await asyncio.wait(late)


async def _supervised(command: Callable[[], Awaitable[None]]) -> None:
    try:
        await command()
    except PatterError as error:
        log.warning("what a webhook asked for could not be done: %s", error.message)
    except Exception:  # the edge of the task: nobody awaits it
        log.exception("what a webhook asked for failed")
