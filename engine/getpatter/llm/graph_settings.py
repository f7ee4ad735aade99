"""How a graph is asked; `llm.graph` makes it of what the user gives, `llm.graph_thread` goes by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from getpatter.clock import Clock
from getpatter.llm.base import CallContext

if TYPE_CHECKING:
    from langgraph.pregel import Pregel

Config = Mapping[str, Any]
"""A `RunnableConfig`."""


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """How a graph is asked; see `LangGraphLLM`."""

    graph: Pregel[Any, Any, Any, Any]
    input_key: str
    output_nodes: frozenset[str]
    config: Callable[[CallContext], Config]
    prompt: bool
    timeout_s: float
    name: str
    clock: Clock
