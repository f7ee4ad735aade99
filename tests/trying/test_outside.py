from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest
from anyio import CapacityLimiter

from getpatter.agent import Agent
from getpatter.errors import ConfigurationError
from getpatter.guardrails import guardrail
from getpatter.hooks import HookContext, PipelineHooks
from getpatter.llm.base import TextDelta, ToolCall
from getpatter.testing.providers import AnsweringLLM
from getpatter.tools.context import Progress, ToolContext
from getpatter.tools.tool import Tool, tool
from getpatter.trying.outside import Outside, model_of, watched, watched_tool

CALL = ToolContext("test_1", "+15550000001")


async def result_of(what: Tool, **arguments: object) -> list[object]:
    assert what.binding is not None
    return [item async for item in what.binding.items(arguments, CALL, CapacityLimiter(1))]


async def test_a_model_is_outside_while_it_is_waited_for_and_not_while_it_is_heard(
    agent_for: Callable[..., Agent],
) -> None:
    outside = Outside()
    seen: list[bool] = []

    class Looking(AnsweringLLM):
        async def reply(self, messages, tools):  # type: ignore[no-untyped-def]  # as in AnsweringLLM
            seen.append(outside.busy)
            yield TextDelta("Hello.")

    reply = model_of(watched(agent_for(Looking("")), outside)).reply([], [])
    assert await anext(reply) == TextDelta("Hello.")
    assert not outside.busy
    await reply.aclose()
    assert seen == [True]
    assert not outside.busy


async def test_tools_that_the_model_asks_for_are_known(agent_for: Callable[..., Agent]) -> None:
    outside = Outside()
    agent = watched(agent_for(AnsweringLLM(ToolCall("7", "book", "{}"))), outside)
    assert [part async for part in model_of(agent).reply([], [])]
    assert outside.asked == {"7": "book"}


async def test_a_tool_keeps_its_schema_and_its_context_and_is_outside_while_it_works() -> None:
    outside = Outside()

    @tool
    async def book(seats: int, call: ToolContext) -> str:
        """Book a table.

        Args:
            seats: How many people.
        """
        assert outside.busy
        return f"{seats} for {call.caller}"

    same = watched_tool(book, outside)
    assert same.spec == book.spec
    assert await result_of(same, seats=2) == ["2 for +15550000001"]
    assert not outside.busy


async def test_a_blocking_tool_still_runs_in_a_thread() -> None:
    outside = Outside()
    loop = asyncio.get_running_loop()

    @tool
    def look() -> bool:
        """Look."""
        try:
            return asyncio.get_running_loop() is loop
        except RuntimeError:
            return outside.busy

    assert await result_of(watched_tool(look, outside)) == [True]


async def test_a_tool_that_tells_its_progress_still_does() -> None:
    outside = Outside()

    @tool
    async def search(arguments: dict[str, object]) -> AsyncGenerator[object]:
        """Search."""
        yield Progress("Still looking.")
        yield f"found, {outside.busy}"

    assert await result_of(watched_tool(search, outside)) == [Progress("Still looking."), "found, True"]


async def test_hooks_and_checks_that_wait_are_outside_and_those_that_do_not_are_called_as_they_are(
    agent_for: Callable[..., Agent],
) -> None:
    outside = Outside()
    seen: list[bool] = []

    async def slow(text: str, context: HookContext) -> str:
        seen.append(outside.busy)
        return text

    async def check(sentence: str) -> bool:
        seen.append(outside.busy)
        return False

    hooks = PipelineHooks(after_transcribe=slow, before_synthesize=lambda text, context: text.upper())
    other = agent_for(AnsweringLLM(""), name="other", hooks=hooks, guardrails=(guardrail("g", check=check),))
    (agent,) = watched(agent_for(AnsweringLLM(""), handoffs=(other,)), outside).handoffs
    assert agent.hooks.after_transcribe is not None
    assert agent.hooks.before_synthesize is not None
    assert await agent.hooks.after_transcribe("x", HookContext("c")) == "x"  # type: ignore[misc]  # it is awaited here
    assert agent.hooks.before_synthesize("x", HookContext("c")) == "X"
    assert agent.guardrails[0].check is not None
    assert not await agent.guardrails[0].check("x")  # type: ignore[misc]  # it is awaited here
    assert seen == [True, True]


async def test_an_agent_without_a_language_model_cannot_be_tried(agent_for: Callable[..., Agent]) -> None:
    agent = agent_for(AnsweringLLM(""))
    object.__setattr__(agent, "llm", None)  # as an agent with a speech-to-speech engine has it
    with pytest.raises(ConfigurationError, match="speech-to-speech"):
        watched(agent, Outside())
