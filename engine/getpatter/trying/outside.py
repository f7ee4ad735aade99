"""What a conversation waits for that does not go by its clock: language models, tools, hooks, checks.

`watched` makes an agent of which every such wait is counted, so that whoever moves the clock knows when not to.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from functools import partial, wraps
from typing import Any, TypeVar, cast

import anyio.to_thread

from getpatter.agent import Agent
from getpatter.errors import ConfigurationError
from getpatter.failover import OnSwitch, reporting
from getpatter.hooks import AfterLlm, PipelineHooks
from getpatter.llm.base import CallContext, ForCall, LanguageModel, Message, ReplyPart, ToolCall, ToolSpec
from getpatter.tools.context import ToolContext
from getpatter.tools.handler import ToolHandler
from getpatter.tools.tool import Tool
from getpatter.tools.webhook import WebhookClient

Function = TypeVar("Function", bound=Callable[..., Any])
Result = TypeVar("Result")


class Outside:
    """Counts what is under way.  For one event loop."""

    def __init__(self) -> None:
        self._under_way = 0
        self.asked: dict[str, str] = {}
        """Tools that the model has asked for lately: their names, by the ids of the calls.  Others take them out."""

    @property
    def busy(self) -> bool:
        return self._under_way > 0

    @contextmanager
    def work(self) -> Iterator[None]:
        """Something outside is waited for while this is entered."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def waiting(self, coming: Awaitable[Result]) -> Result:
        with self.work():
            return await coming


class WatchedLLM:
    """The same language model, waited for under the eyes of an `Outside`."""

    def __init__(self, llm: LanguageModel, outside: Outside) -> None:
        self._llm = llm
        self._outside = outside

    @property
    def name(self) -> str:
        return self._llm.name

    @property
    def scripted(self) -> bool:
        return self._llm.scripted

    def reporting_to(self, on_switch: OnSwitch) -> WatchedLLM:
        """See `failover.ReportsSwitches`."""
        return WatchedLLM(reporting(self._llm, on_switch), self._outside)

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`."""
        async with aclosing(self._llm.reply(messages, tools)) as parts:
            while (part := await self._outside.waiting(anext(parts, None))) is not None:
                if isinstance(part, ToolCall):
                    self._outside.asked[part.id] = part.name
                yield part

    def for_call(self, call: CallContext) -> LanguageModel:
        """See `llm.base.ForCall`."""
        if not isinstance(self._llm, ForCall):
            return self
        return _WatchedInCall(self._llm.for_call(call), self._outside)

    async def warm(self) -> None:
        await self._llm.warm()

    async def close(self) -> None:
        """It is its owner who closes what is behind this."""


class _WatchedInCall(WatchedLLM):
    """One call's, which owns what is behind it."""

    async def close(self) -> None:
        await self._llm.close()


class WatchedWebhooks(WebhookClient):
    """Posts under the eyes of an `Outside`."""

    def __init__(self, outside: Outside) -> None:
        super().__init__()
        self._outside = outside

    async def post(self, url: str, tool: str, arguments: Mapping[str, Any], context: ToolContext) -> str:
        return await self._outside.waiting(super().post(url, tool, arguments, context))


def watched(agent: Agent, outside: Outside) -> Agent:
    """The same agent, and those it may hand over to, waiting under the eyes of `outside`.

    Raises `ConfigurationError` for an agent without a language model.
    """
    llm = WatchedLLM(model_of(agent), outside)
    return replace(
        _watched_rules(agent, outside),
        llm=llm,
        handoffs=tuple(_watched_rules(other, outside) for other in agent.handoffs),
    )


def model_of(agent: Agent) -> LanguageModel:
    """The language model that answers for the agent; raises `ConfigurationError` where none does."""
    if agent.llm is None:
        raise ConfigurationError(
            f"The agent {agent.name!r} has no language model, and a speech-to-speech engine cannot be tried with text.",
            next_step="Try the same prompt and tools with llm, stt and tts in the engine's place.",
        )
    return agent.llm


def _watched_rules(agent: Agent, outside: Outside) -> Agent:
    """What of an agent counts when another has handed over to it."""
    return replace(
        agent,
        tools=tuple(watched_tool(tool, outside) for tool in agent.tools),
        hooks=_watched_hooks(agent.hooks, outside),
        guardrails=tuple(
            replace(rule, check=_watched(rule.check, outside)) if rule.check else rule for rule in agent.guardrails
        ),
    )


def watched_tool(tool: Tool, outside: Outside) -> Tool:
    """A tool with a webhook stays as it is: `WatchedWebhooks` is for those."""
    return tool if tool.handler is None else replace(tool, handler=_watched_handler(tool.handler, outside))


def _watched_hooks(hooks: PipelineHooks, outside: Outside) -> PipelineHooks:
    after = hooks.after_llm
    return PipelineHooks(
        before_send_to_stt=_watched(hooks.before_send_to_stt, outside),
        after_transcribe=_watched(hooks.after_transcribe, outside),
        before_llm=_watched(hooks.before_llm, outside),
        after_llm=after
        and AfterLlm(
            on_chunk=after.on_chunk,
            on_sentence=_watched(after.on_sentence, outside),
            on_response=_watched(after.on_response, outside),
        ),
        before_synthesize=_watched(hooks.before_synthesize, outside),
        after_synthesize=_watched(hooks.after_synthesize, outside),
    )


def _watched(function: Function | None, outside: Outside) -> Function | None:
    """What the function gives to be awaited is counted; what it gives at once needs no counting."""
    if function is None:
        return None

    def call(*args: Any) -> Any:
        given = function(*args)
        return outside.waiting(given) if isinstance(given, Awaitable) else given

    return cast(Function, call)


def _watched_handler(handler: ToolHandler, outside: Outside) -> ToolHandler:
    """Keeps the handler's signature, from which its schema is drawn, and its way of giving results."""
    called = handler if inspect.isroutine(handler) or isinstance(handler, partial) else type(handler).__call__
    if inspect.isasyncgenfunction(called):

        @wraps(handler)
        async def stream(*args: Any, **kwargs: Any) -> AsyncGenerator[object]:
            async with aclosing(handler(*args, **kwargs)) as items:
                while (item := await outside.waiting(anext(items, _OVER))) is not _OVER:
                    yield item

        return stream

    @wraps(handler)
    async def wait(*args: Any, **kwargs: Any) -> Any:
        with outside.work():
            if inspect.iscoroutinefunction(called):
                return await handler(*args, **kwargs)
            given = await anyio.to_thread.run_sync(partial(handler, *args, **kwargs), abandon_on_cancel=True)
            return await given if isinstance(given, Awaitable) else given

    return wait


_OVER = object()


async def rest() -> None:
    """Let the tasks of this event loop do what they can without anything from outside, in all likelihood."""
    for _ in range(REST_ROUNDS):
        await asyncio.sleep(0)


REST_ROUNDS = 12
"""From the model's words to the first audio are some eight steps of four tasks."""
