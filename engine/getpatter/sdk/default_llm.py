"""The language model of an agent that was given an ear and a voice, and no mind."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from getpatter.agent import Agent
from getpatter.environment import variables
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.llm.base import LanguageModel, Message, ReplyPart, ToolSpec
from getpatter.llm.factory import model_at, named_model
from getpatter.llm.presets import OPENAI, OpenAILLM


class DefaultLLM:
    """Stands for a model until it is known whether `on_message` answers in its place."""

    name = "default"
    scripted = False

    def __init__(self, model: str = "") -> None:
        self._model = model

    def chosen(self) -> LanguageModel:
        """The model that `PATTER_LLM` names, the one at `PATTER_LLM_URL`, or else OpenAI's.

        Raises `ConfigurationError` where there is none of them.
        """
        given = variables()
        if name := given.get("PATTER_LLM"):
            vendor = name.partition("/")[0]
            return named_model(f"{vendor}/{self._model}" if self._model else name)
        if url := given.get("PATTER_LLM_URL"):
            return model_at(url, self._model or given.get("PATTER_LLM_MODEL", ""), given.get("PATTER_LLM_KEY", ""))
        if given.get(OPENAI.vendor.key_variable):
            return OpenAILLM(model=self._model)
        raise ConfigurationError(
            "The agent has no language model.",
            next_step="Pass llm=..., answer with on_message=..., or set OPENAI_API_KEY or PATTER_LLM.",
        )

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        raise ProviderError("The agent has no language model yet.", provider=self.name)
        yield  # makes it the generator that the protocol has

    async def warm(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to let go of."""


def with_model(agent: Agent) -> Agent:
    """The agent with the model that is to be had, where it has none of its own.  Raises `ConfigurationError`."""
    return replace(agent, llm=agent.llm.chosen()) if isinstance(agent.llm, DefaultLLM) else agent
