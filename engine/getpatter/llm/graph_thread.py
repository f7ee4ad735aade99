"""One call's runs of a LangGraph graph."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.channels import LastValue
from langgraph.pregel import Pregel
from langgraph.types import Command

from getpatter.llm.base import CallContext, Message, ReplyPart, ToolSpec
from getpatter.llm.foreign import Waiting
from getpatter.llm.graph_messages import corrections, prompt_message, to_langchain
from getpatter.llm.graph_settings import GraphSettings
from getpatter.llm.graph_stream import GraphStream
from getpatter.llm.graph_turns import Checkpoint, GraphTurns, Turn

_OVER = object()


class GraphThread:
    """A `LanguageModel` for one call."""

    scripted = False

    def __init__(self, settings: GraphSettings, call: CallContext) -> None:
        self._settings = settings
        self._call = call
        self._config = dict(settings.config(call))
        configured = dict(self._config.pop("configurable", {}))
        self._own_thread = "thread_id" not in configured
        self._configured = {"thread_id": call.call_id or uuid.uuid4().hex, **configured, "call": call}
        self._turns: GraphTurns | None = None

    @property
    def name(self) -> str:
        return self._settings.name

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`.  Closing the iterator cancels the graph's run."""
        settings = self._settings
        waiting = Waiting(settings.name, settings.timeout_s, settings.clock)
        stream = GraphStream(settings, {tool.name for tool in tools}, waiting)
        try:
            if _keeps_history(settings.graph):
                parts = self._remembering(messages, tools, stream, waiting)
            else:
                told = to_langchain(messages if settings.prompt else _said(messages))
                parts = self._run({settings.input_key: told}, self._run_config(tools), stream, waiting)
            async with aclosing(parts):
                async for part in parts:
                    yield part
            for part in stream.end():
                yield part
        finally:
            waiting.close()

    async def warm(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """What it keeps, its checkpointer keeps."""

    async def _remembering(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], stream: GraphStream, waiting: Waiting
    ) -> AsyncGenerator[ReplyPart]:
        """A run that goes on where the last one that counts has ended."""
        if self._turns is None:
            self._turns = GraphTurns(None if self._own_thread else await waiting.given(self._checkpoint()))
        turn = self._turns.begin(messages)
        at = await waiting.given(self._go_back(turn))
        async with aclosing(
            self._run(self._input(turn, messages, at), self._run_config(tools, at), stream, waiting)
        ) as parts:
            async for part in parts:
                yield part
        turn.run.said, turn.run.interrupts = stream.said, stream.interrupts
        turn.run.checkpoint = await waiting.given(self._checkpoint())

    async def _run(
        self, given: Any, config: RunnableConfig, stream: GraphStream, waiting: Waiting
    ) -> AsyncGenerator[ReplyPart]:
        items = cast(
            AsyncGenerator[Any],
            self._settings.graph.astream(given, config, stream_mode=["messages", "updates"], subgraphs=True),
        )
        async with aclosing(items):
            while (item := await waiting.given(_next(items))) is not _OVER:
                for part in stream.take(item):
                    yield part

    def _input(self, turn: Turn, messages: Sequence[Message], at: Checkpoint | None) -> Any:
        settings = self._settings
        if turn.interrupts:
            # The questions of a state that was gone back to have other ids, which nobody knows before it runs.
            alone = len(turn.interrupts) == 1 or at is not None
            return Command(resume=turn.words if alone else dict.fromkeys(turn.interrupts, turn.words))
        told: list[BaseMessage]
        if isinstance(settings.graph.channels.get(settings.input_key), LastValue):
            told = to_langchain(messages if settings.prompt else _said(messages))
        else:
            prompt = [prompt_message(turn.prompt)] if turn.prompt and settings.prompt else []
            told = [*prompt, *corrections(turn.corrected), *to_langchain(turn.new)]
        return {settings.input_key: told}

    async def _go_back(self, turn: Turn) -> Checkpoint | None:
        """The state to run from; None for the thread's last."""
        graph = self._settings.graph
        if turn.afresh:
            await cast(Any, graph.checkpointer).adelete_thread(self._configured["thread_id"])
        if turn.back_to is None or not turn.interrupts:
            return turn.back_to
        # The state keeps the answer that its question was given; a copy of it has none.
        copy = await graph.aupdate_state(self._thread(turn.back_to), None, as_node="__copy__")
        return copy["configurable"]

    async def _checkpoint(self) -> Checkpoint | None:
        state = await self._settings.graph.aget_state(self._thread())
        configured = state.config["configurable"]
        names = ("checkpoint_id", "checkpoint_ns")
        return (
            {name: configured[name] for name in names if name in configured} if "checkpoint_id" in configured else None
        )

    def _run_config(self, tools: Sequence[ToolSpec], at: Checkpoint | None = None) -> RunnableConfig:
        config = {**self._config, **self._thread(at)}
        config["configurable"]["call_tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
            }
            for tool in tools
        ]
        return cast(RunnableConfig, config)

    def _thread(self, at: Checkpoint | None = None) -> RunnableConfig:
        return {"configurable": {**self._configured, **(at or {})}}


def _keeps_history(graph: Pregel[Any, Any, Any, Any]) -> bool:
    return bool(graph.checkpointer)


def _said(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message.role != "system"]


async def _next(items: AsyncIterator[Any]) -> Any:
    return await anext(items, _OVER)
