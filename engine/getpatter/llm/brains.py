"""Everything that can think for an agent, as a language model."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from getpatter.clock import Clock
from getpatter.errors import ConfigurationError
from getpatter.llm.base import LanguageModel
from getpatter.llm.callable import CallableLLM, MessageHandler
from getpatter.llm.graph import LangGraphLLM, is_graph, is_uncompiled
from getpatter.llm.remote import RemoteLLM, is_address

if TYPE_CHECKING:
    from langgraph.pregel import Pregel

    Brain: TypeAlias = LanguageModel | Pregel[Any, Any, Any, Any] | MessageHandler | str
else:
    Brain = LanguageModel | MessageHandler | str
"""A language model; a compiled LangGraph graph; a function; the address of a server, by HTTP or WebSocket."""

_CHOICES = (
    "Pass a language model, e.g. OpenAICompatibleLLM(...), a compiled LangGraph graph, a function, "
    "or an address that begins with https:// or wss://."
)


def language_model_of(brain: Brain, *, name: str = "", clock: Clock | None = None) -> LanguageModel:
    """`brain` as a language model; what is one already stays as it is.  `name` is what a function is called.

    Raises `ConfigurationError` for what cannot think.
    """
    if isinstance(brain, str):
        if not is_address(brain):
            raise ConfigurationError("llm is a text that is no address.", next_step=_CHOICES)
        return RemoteLLM(brain, clock=clock)
    if is_graph(brain):
        return LangGraphLLM(cast("Pregel[Any, Any, Any, Any]", brain), clock=clock)
    if is_uncompiled(brain):
        raise ConfigurationError("llm is a graph that is not compiled.", next_step="Pass what its compile() gives.")
    if inspect.isclass(brain):
        raise ConfigurationError(f"llm is the class {brain.__name__}.", next_step="Pass one that was made of it.")
    if callable(getattr(brain, "reply", None)):
        return cast(LanguageModel, brain)
    if callable(brain):
        return CallableLLM(brain, name=name, clock=clock)
    raise ConfigurationError(f"llm is of type {type(brain).__name__}, which cannot think.", next_step=_CHOICES)
