"""The tools of one call, by name, and what is under way of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from getpatter.clock import Clock, deadline
from getpatter.errors import ConfigurationError
from getpatter.llm.base import ToolCall, ToolSpec
from getpatter.tools.context import ToolContext
from getpatter.tools.run import OnProgress, ToolOutcome, ToolRunner, failed
from getpatter.tools.tool import Tool

log = logging.getLogger(__name__)

CLOSE_S = 10.0
"""How long the end of a call waits for tools that change something and are not finished."""

OnLateResult = Callable[[ToolCall, ToolOutcome], None]
"""Told what became of a tool whose reply was cancelled before."""


class Toolbox:
    """Runs the tools of one call.  A tool that changes something is not stopped with the reply that asked for it."""

    def __init__(
        self,
        tools: Iterable[Tool],
        *,
        runner: ToolRunner,
        context: ToolContext,
        clock: Clock,
        on_late_result: OnLateResult | None = None,
    ) -> None:
        """Raises `ConfigurationError` for two tools of one name."""
        self._tools: dict[str, Tool] = {}
        self._specs: Sequence[ToolSpec] = ()
        self._runner = runner
        self._context = context
        self._clock = clock
        self._on_late_result = on_late_result
        self._running: dict[asyncio.Task[ToolOutcome], ToolCall] = {}
        self.add(tools)

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools as the model sees them, in the order they were given."""
        return self._specs

    @property
    def names(self) -> Sequence[str]:
        return list(self._tools)

    def add(self, tools: Iterable[Tool]) -> None:
        """Have more tools, e.g. those of MCP servers once they are connected.  Raises `ConfigurationError`."""
        added: dict[str, Tool] = {}
        for tool in tools:
            if tool.name in self._tools or tool.name in added:
                raise ConfigurationError(f"Two tools are called {tool.name!r}.", next_step="Rename one of them.")
            added[tool.name] = tool
        self._tools |= added
        self._specs = tuple(tool.spec for tool in self._tools.values())

    def find(self, name: str) -> Tool | None:
        return self._tools.get(name)

    async def run(self, call: ToolCall, *, on_progress: OnProgress | None = None) -> ToolOutcome:
        """What became of it; a name that the model made up is answered, not raised.

        Cancelling stops a tool without side effects.  One with them goes on: it says nothing more on the way, and
        its outcome goes to `on_late_result`.
        """
        tool = self._tools.get(call.name)
        if tool is None:
            return failed(f"There is no tool named {call.name!r}. Tools: {', '.join(self._tools) or 'none'}.")
        voice = _Voice(on_progress)
        task = asyncio.create_task(self._runner.run(tool, call, self._context, on_progress=voice.say))
        self._running[task] = call
        task.add_done_callback(self._running.pop)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            voice.mute()
            if tool.side_effects:
                task.add_done_callback(lambda done: self._late(call, done))
            else:
                task.cancel()  # and not waited for: whoever interrupted wants silence now
            raise

    async def close(self, timeout_s: float = CLOSE_S) -> None:
        """Wait for what is under way, at most `timeout_s` seconds, and then stop it."""
        if not self._running:
            return
        try:
            async with deadline(self._clock, self._clock.now() + timeout_s):
                await asyncio.wait(self._running)
        except TimeoutError:
            for task, call in self._running.items():
                log.warning("call %s ended before its tool %s did", self._context.call_id, call.name)
                task.cancel()
            await asyncio.wait(self._running)

    def _late(self, call: ToolCall, done: asyncio.Task[ToolOutcome]) -> None:
        if not done.cancelled() and self._on_late_result is not None:
            self._on_late_result(call, done.result())


class _Voice:
    """Passes progress on until the reply that it belongs to is gone."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress

    def say(self, text: str) -> None:
        if self._on_progress is not None:
            self._on_progress(text)

    def mute(self) -> None:
        self._on_progress = None
