"""A program's own functions that watch calls, by the names of what they are told."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from getpatter.clock import Clock, SystemClock, deadline
from getpatter.extension import contained, place

log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], object]
"""A plain function, called where the event happens, which must return at once; or `async def`, which gets a task."""

HANDLER_S = 30.0
"""Longest that an `async` handler may take."""


class Handlers:
    """Calls them.  One that fails is logged, without what it was told, and harms nothing."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._by_name: dict[str, dict[object, Handler]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining: set[asyncio.Task[Any]] = set()
        """Those that wait for the others."""

    def add(self, name: str, handler: Handler) -> Callable[[], None]:
        """Have it called from now on; the returned function ends that, and may be called twice."""
        key = object()
        named = self._by_name.setdefault(name, {})
        named[key] = handler

        def remove() -> None:
            named.pop(key, None)

        return remove

    def tell(self, name: str, payload: Mapping[str, Any]) -> None:
        """Each handler gets a dict of its own."""
        for handler in tuple(self._by_name.get(name, {}).values()):
            try:
                answer = handler(dict(payload))
            # Nothing is awaited here, so a cancellation is none of the task that publishes.
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- the program's code
                _failed(name, error)
            else:
                if inspect.iscoroutine(answer):
                    self._schedule(name, answer)

    async def drained(self) -> None:
        """When those that are under way are done, for which each has its time; who waits here, too, is none of them."""
        waiting = asyncio.current_task()
        assert waiting is not None
        self._draining.add(waiting)
        try:
            if others := self._tasks - self._draining:
                await asyncio.wait(others)
        finally:
            self._draining.discard(waiting)

    def _schedule(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            work.close()
            log.warning("a handler of %s is async, and there is no event loop to run it", name)
            return
        task = asyncio.create_task(self._run(name, work), name=f"handler of {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        try:
            with contained():
                async with deadline(self._clock, self._clock.now() + HANDLER_S):
                    await work
        except TimeoutError:
            log.warning("a handler of %s took longer than %g s", name, HANDLER_S)
        except Exception as error:  # noqa: BLE001 -- the program's code: whatever it raises, the call goes on
            _failed(name, error)


def _failed(name: str, error: BaseException) -> None:
    # Without the error's text, which may repeat what was said in the call.
    log.warning("a handler of %s failed: %s %s", name, type(error).__name__, place(error))
