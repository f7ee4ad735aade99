"""A LangGraph graph in the place of a language model.  Needs the extra `langgraph`."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from getpatter.clock import Clock, SystemClock
from getpatter.errors import ConfigurationError
from getpatter.llm.base import NO_CALL, CallContext, LanguageModel, Message, ReplyPart, ToolSpec
from getpatter.llm.foreign import REPLY_S
from getpatter.llm.graph_settings import Config, GraphSettings

if TYPE_CHECKING:
    from langgraph.pregel import Pregel


class LangGraphLLM:
    """A compiled graph, whose state has a list of messages at `input_key`.

    What its chat models write is spoken as it comes, and so are messages that its nodes give; tool nodes are silent.
    Where several nodes ask models and not all of them speak, e.g. a router, `output_node` names the one, or those,
    that do.  A model that was given the tag `nostream` is silent anywhere.

    With a checkpointer each call is a thread, whose id is the call's, and each turn brings what is new; without one the
    graph is told the whole history each time.  `config` is a config for its runs, or gives one for a call.  Its
    `configurable` part also gets `call`, the call as tools are told of it, and `call_tools`, what can be done in the
    call, in the form that `bind_tools` takes: calls of those which the graph leaves unanswered are run by the call, and
    the graph goes on with their results.  Other tools are the graph's own business.

    At an `interrupt` its value is said, a text or a mapping with a `text`; what the caller says then resumes the graph.
    """

    scripted = False

    def __init__(
        self,
        graph: Pregel[Any, Any, Any, Any],
        *,
        input_key: str = "messages",
        output_node: str | Collection[str] | None = None,
        config: Config | Callable[[CallContext], Config] | None = None,
        prompt: bool = True,
        timeout_s: float = REPLY_S,
        name: str = "",
        clock: Clock | None = None,
    ) -> None:
        """`prompt` has the agent's system prompt told to the graph; `timeout_s` is the longest silence of a run.

        Raises `ConfigurationError` for what is no compiled graph, and for nodes that it does not have.
        """
        if not is_graph(graph):
            raise ConfigurationError(
                f"{type(graph).__name__} is no compiled graph of LangGraph.",
                next_step="Pass what compile() gives; the extra is installed by pip install 'patter-mcp[langgraph]'.",
            )
        speaking = {output_node} if isinstance(output_node, str) else set(output_node or ())
        if unknown := speaking - graph.nodes.keys():
            raise ConfigurationError(
                f"The graph has no node {', '.join(sorted(map(repr, unknown)))}.",
                next_step=f"It has {', '.join(sorted(node for node in graph.nodes if not node.startswith('__')))}.",
            )
        self.name = name or f"graph {graph.get_name()}"
        self._settings = GraphSettings(
            graph=graph,
            input_key=input_key,
            output_nodes=frozenset(speaking),
            config=config if callable(config) else lambda call: config or {},
            prompt=prompt,
            timeout_s=timeout_s,
            name=self.name,
            clock=clock or SystemClock(),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def for_call(self, call: CallContext) -> LanguageModel:
        """See `llm.base.ForCall`."""
        # Whoever has a graph has the library; whoever has none need not.
        from getpatter.llm.graph_thread import GraphThread

        return GraphThread(self._settings, call)

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`; outside of a call, in a thread for this answer alone."""
        async with aclosing(self.for_call(NO_CALL).reply(messages, tools)) as parts:
            async for part in parts:
                yield part

    async def warm(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """The graph is the program's."""


def is_graph(anything: object) -> bool:
    """Whether it is a compiled graph.  Where the library was never imported, nothing is."""
    library = sys.modules.get("langgraph.pregel")
    return library is not None and isinstance(anything, library.Pregel)


def is_uncompiled(anything: object) -> bool:
    """Whether it becomes a graph by `compile`."""
    library = sys.modules.get("langgraph.graph.state")
    return library is not None and isinstance(anything, library.StateGraph)
