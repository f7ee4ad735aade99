"""What a run of a graph says, out of all that its stream tells: no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langgraph.prebuilt import ToolNode

from getpatter.llm.base import ReplyPart, TextDelta, ToolCall
from getpatter.llm.foreign import Waiting
from getpatter.llm.graph_messages import tool_calls, used
from getpatter.llm.graph_settings import GraphSettings
from getpatter.llm.graph_turns import Run, Said
from getpatter.metering import Used, totals

TOOL_NODE = "tools"
"""What LangGraph's own agents call the node of their tools."""


class GraphStream:
    """Takes the items of a run that streams `messages` and `updates`, with those of subgraphs."""

    def __init__(self, settings: GraphSettings, call_tools: set[str], waiting: Waiting) -> None:
        self._speaking = settings.output_nodes
        tool_nodes = {name for name, node in settings.graph.nodes.items() if isinstance(node.bound, ToolNode)}
        self._silent = (tool_nodes | {TOOL_NODE}) - self._speaking
        self._call_tools = call_tools
        self._waiting = waiting
        self._run = Run(0, None, "")
        self._messages: dict[str, AIMessage] = {}
        """Whole, or as much of them as came."""
        self._answered: set[str] = set()
        self._used: list[Used] = []
        self.interrupts: tuple[str, ...] = ()

    @property
    def said(self) -> list[Said]:
        return self._run.said

    def take(self, item: tuple[tuple[str, ...], str, Any]) -> Iterator[ReplyPart]:
        """Raises `ProviderError` for an interrupt that cannot be said."""
        namespace, mode, data = item
        if mode == "messages":
            message, metadata = data
            if isinstance(message, AIMessage):
                yield from self._message(message, metadata)
            elif isinstance(message, ToolMessage):
                self._answered.add(message.tool_call_id)
        elif not namespace and "__interrupt__" in data:
            for one in data["__interrupt__"]:
                self.interrupts += (one.id,)
                yield from self._say("", self._question(one.value))

    def end(self) -> list[ReplyPart]:
        """What follows the text: calls of the call's tools that the graph has left, and what the models used."""
        calls: list[ToolCall] = []
        for message in self._messages.values():
            calls += tool_calls(message, self._call_tools)
        return [*(call for call in calls if call.id not in self._answered), *totals(self._used)]

    def _message(self, message: AIMessage, metadata: Mapping[str, Any]) -> Iterator[ReplyPart]:
        if (usage := used(message, metadata)) is not None:
            self._used.append(usage)
        if not self._speaks(metadata):
            return
        message_id = message.id or ""
        before, whole = self._messages.get(message_id), message
        if isinstance(before, AIMessageChunk) and isinstance(message, AIMessageChunk):
            whole = add_ai_message_chunks(before, message)
        self._messages[message_id] = whole
        yield from self._say(message_id, str(message.text))
        if whole.tool_calls:
            self._run.of(message_id).calls_tools = True

    def _say(self, message_id: str, text: str) -> Iterator[ReplyPart]:
        if not text:
            return
        before = self._run.said[-1].text if self._run.said else ""
        message = self._run.of(message_id)
        if not message.text and before and not before[-1].isspace():
            yield TextDelta(" ")
        message.text += text
        yield TextDelta(text)

    def _speaks(self, metadata: Mapping[str, Any]) -> bool:
        """Whether words of this node are for the caller.  A node stands in the nodes that hold its graph."""
        path = str(metadata.get("langgraph_checkpoint_ns") or metadata.get("langgraph_node") or "")
        names = [part.partition(":")[0] for part in path.split("|")]
        if not self._silent.isdisjoint(names):
            return False
        return not self._speaking or not self._speaking.isdisjoint(names)

    def _question(self, value: object) -> str:
        text = value.get("text") if isinstance(value, Mapping) else value
        if isinstance(text, str):
            return text
        raise self._waiting.failed(
            f"stopped at an interrupt whose value, {type(value).__name__}, cannot be said",
            next_step="Give interrupt() a text, or a mapping with a text.",
        )
