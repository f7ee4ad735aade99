"""What the agent on the telephone can do besides talking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from getpatter.llm.base import ToolCall, ToolSpec


class Tool(Protocol):
    @property
    def spec(self) -> ToolSpec: ...

    async def run(self, arguments: str) -> str:
        """Do it, once.  `arguments` is JSON text; the result is for the model to read."""


class EndCall:
    """Hang up, after what the agent says with it was heard."""

    spec = ToolSpec(
        name="end_call",
        description="End the telephone call. Say goodbye in the same message; it is heard before the line drops.",
        parameters={"type": "object", "properties": {}, "additionalProperties": False},
    )

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    async def run(self, arguments: str) -> str:
        self._end()
        return "The call ends when this was heard."


class Toolbox:
    """The tools of one call, by name."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools: Mapping[str, Tool] = {tool.spec.name: tool for tool in tools}

    @property
    def specs(self) -> Sequence[ToolSpec]:
        return [tool.spec for tool in self._tools.values()]

    async def run(self, call: ToolCall) -> str:
        """The tool's answer; a name that the model made up is answered, not raised."""
        tool = self._tools.get(call.name)
        if tool is None:
            return f"There is no tool named {call.name!r}. Tools: {', '.join(self._tools) or 'none'}."
        return await tool.run(call.arguments)
