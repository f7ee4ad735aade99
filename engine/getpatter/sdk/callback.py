"""Calling the program's own functions: in order, in time, and without harm to the call."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.to_thread

from getpatter.clock import Clock, deadline
from getpatter.extension import contained, place

log = logging.getLogger(__name__)

Callback = Callable[..., Any]
"""`async def`, or a plain function, which runs in a thread and so may wait, but must not touch what belongs to the
event loop."""

CALLBACK_S = 30.0
"""Longest that a callback may take; those of the same call wait for it."""


async def call(callback: Callback, *given: object) -> Any:
    """What the callback returns, in the end."""
    if _is_async(callback):
        answer = callback(*given)
    else:
        answer = await anyio.to_thread.run_sync(partial(callback, *given), abandon_on_cancel=True)
    return await answer if inspect.isawaitable(answer) else answer


def _is_async(callback: Callback) -> bool:
    if isinstance(callback, partial):
        return _is_async(callback.func)
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__)


class CallbackQueue:
    """One call's callbacks, called one after the other.  Those that fail are logged, and nothing else happens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: asyncio.Queue[tuple[str, Callback, object] | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def tell(self, name: str, callback: Callback | None, told: object) -> None:
        """Have it called with `told` when its turn has come; nothing for None."""
        if callback is not None:
            self._waiting.put_nowait((name, callback, told))
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="callbacks of a call")

    async def ask(self, name: str, callback: Callback, told: object, *, limit_s: float) -> Any:
        """What it answers; None when it fails or takes longer."""
        try:
            with contained():
                async with deadline(self._clock, self._clock.now() + limit_s):
                    return await call(callback, told)
        except TimeoutError:
            log.warning("%s took longer than %g s", name, limit_s)
        except Exception as error:  # noqa: BLE001 -- the program's code: whatever it raises, the call goes on
            # Without the error's text, which may repeat what was said in the call.
            log.warning("%s failed: %s %s", name, type(error).__name__, place(error))
        return None

    def close(self) -> None:
        """Nothing more is to come."""
        self._waiting.put_nowait(None)

    async def drained(self) -> None:
        """All that was told before `close` has been called."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while (item := await self._waiting.get()) is not None:
            name, callback, told = item
            await self.ask(name, callback, told, limit_s=CALLBACK_S)
