"""Scripted conversations go through what a call goes through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from getpatter.agent import Agent
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.events import FalseInterruption, Turn
from getpatter.guardrails import guardrail
from getpatter.hooks import PipelineHooks
from getpatter.testing.providers import AnsweringLLM, tool_call
from getpatter.tools.tool import Reassurance, tool
from getpatter.trying import EvalSession, expect

AgentFor = Callable[..., Agent]
LONG = "We open at seven in the morning and close at noon. On Sundays we are closed all day."


@tool
async def book(seats: int) -> str:
    """Book a table."""
    return f"booked for {seats}"


async def test_the_answer_is_heard_and_the_history_is_what_the_model_is_told_next(agent_for: AgentFor) -> None:
    llm = AnsweringLLM("At seven.", "Until noon.")
    async with EvalSession(agent_for(llm, first_message="Hello.")) as session:
        first = await session.user_says("When do you open?")
        await session.user_says("And how long?")
    assert (first.user_text, first.agent_text) == ("When do you open?", "At seven.")
    told = [(message.role, message.content) for message in llm.asked[1]]
    assert told[:-1] == [(message.role, message.content) for message in first.history_snapshot]
    assert told[-1] == ("user", "And how long?")


async def test_tools_run_and_their_results_are_in_the_history(agent_for: AgentFor) -> None:
    llm = AnsweringLLM(["One moment.", tool_call("book", seats=2)], "It is booked.", "Yes.")
    async with EvalSession(agent_for(llm, tools=(book,))) as session:
        result = await session.user_says("A table for two.")
        await session.user_says("Really?")
    expect(result).tool_called("book", {"seats": 2}).agent_text_contains("It is booked.").no_problems()
    assert result.tool_calls[0].result == "booked for 2"
    assert list(result.history_snapshot) == llm.asked[2][:-1]


async def test_an_interruption_keeps_what_was_heard(agent_for: AgentFor) -> None:
    llm = AnsweringLLM(LONG, "Yes, we do.")
    async with EvalSession(agent_for(llm)) as session:
        first = await session.user_says("When do you open?", interrupt_after_words=4)
        second = await session.user_says("Sorry, do you have bread?")
        expect(session.record).interrupted()
    assert (first.agent_text, first.interrupted) == ("We open at seven", True)
    assert (second.agent_text, second.interrupted) == ("Yes, we do.", False)
    cut = next(message.content for message in llm.asked[1] if message.role == "assistant")
    assert cut == "We open at seven—"


async def test_an_answer_that_is_too_short_to_interrupt_is_heard_to_its_end(agent_for: AgentFor) -> None:
    async with EvalSession(agent_for(AnsweringLLM("At seven."))) as session:
        result = await session.user_says("When do you open?", interrupt_after_words=4)
    expect(result).not_interrupted().agent_text_contains("At seven.")


async def test_a_word_of_agreement_does_not_interrupt(agent_for: AgentFor) -> None:
    async with EvalSession(agent_for(AnsweringLLM(LONG))) as session:
        await session.user_says("When do you open?", interrupt_after_words=4)
        result = await session.user_says("Mm-hm.")
    assert [event.kind for event in result.events if isinstance(event, FalseInterruption)] == ["backchannel"]
    assert result.agent_text == LONG


async def test_guardrails_hooks_and_transforms_are_at_work(agent_for: AgentFor) -> None:
    llm = AnsweringLLM("The secret is flour.", "Buy two.")
    hooks = PipelineHooks(after_transcribe=lambda text, call: text.replace("bred", "bread"))
    agent = agent_for(llm, hooks=hooks, guardrails=(guardrail("recipes", ["flour"], replacement="I cannot tell."),))
    async with EvalSession(agent) as session:
        result = await session.user_says("What is in your bred?")
    expect(result).agent_text_contains("I cannot tell.").agent_text_lacks("flour")
    assert llm.asked[0][-1].content == "What is in your bread?"


async def test_silence_is_noticed(agent_for: AgentFor) -> None:
    async with EvalSession(agent_for(AnsweringLLM("Hello."))) as session:
        result = await session.silence(13.0)
        expect(result).agent_text_contains("Are you still there?").not_ended()
        result = await session.silence(13.0)
    expect(result).ended()


async def test_keys_are_pressed(agent_for: AgentFor) -> None:
    llm = AnsweringLLM([tool_call("collect_digits", max_digits=2), "Your number, please."], "Thank you.")
    async with EvalSession(agent_for(llm)) as session:
        result = await session.user_presses("12")
    assert llm.asked[0][-1].content == "[pressed 1 2]"
    expect(result).tool_called("collect_digits", {"max_digits": 2})


async def test_after_the_goodbye_nobody_hears_the_user(agent_for: AgentFor) -> None:
    async with EvalSession(agent_for(AnsweringLLM(["Goodbye.", tool_call("end_call")]))) as session:
        result = await session.user_says("Goodbye.")
        assert session.over
        with pytest.raises(ValueError, match="over"):
            await session.user_says("Hello?")
    expect(result).ended().agent_text_contains("Goodbye.")


async def test_a_transfer_is_announced_and_then_ends_the_call(agent_for: AgentFor) -> None:
    llm = AnsweringLLM(["I put you through.", tool_call("transfer_call", number="+12025550100")])
    async with EvalSession(agent_for(llm, transfer_to=("+1202*",))) as session:
        result = await session.user_says("A person, please.")
    expect(result).agent_text_contains("I put you through.").tool_called("transfer_call").ended()
    assert result.ended is not None
    assert result.ended.reason == "the caller was transferred to +12025550100"


async def test_a_lost_model_is_told_and_ends_the_call_with_an_apology(agent_for: AgentFor) -> None:
    llm = AnsweringLLM("Hello.", ProviderError("The model is away."))
    async with EvalSession(agent_for(AnsweringLLM("")), llm=llm) as session:
        await session.user_says("Hello?")
        result = await session.user_says("Are you there?")
    assert result.problems == ["The model is away."]
    expect(result).agent_text_contains("technical problem").ended()


async def test_a_slow_tool_is_waited_for_in_real_time_and_its_reassurance_is_said(agent_for: AgentFor) -> None:

    @tool(reassurance=Reassurance("One moment.", after_s=0.05))
    async def search() -> str:
        """Search."""
        said = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, said.set)
        await said.wait()
        return "found"

    llm = AnsweringLLM(tool_call("search"), "Here it is.")
    async with EvalSession(agent_for(llm, tools=(search,))) as session:
        result = await session.user_says("Search for it.")
    assert result.agent_text == "One moment. Here it is."
    assert result.tool_calls[0].result == "found"


async def test_a_conversation_ends_when_it_is_left(agent_for: AgentFor) -> None:
    async with EvalSession(agent_for(AnsweringLLM("Hello."))) as session:
        await session.user_says("Hello?")
    assert session.over
    assert session.record.ended is not None


async def test_an_agent_that_cannot_be_used_is_refused_at_the_beginning(agent_for: AgentFor) -> None:
    with pytest.raises(ConfigurationError, match="two tools"):
        async with EvalSession(agent_for(AnsweringLLM(""), tools=(book, book))):
            pass


async def test_the_same_conversation_is_the_same_each_time(agent_for: AgentFor) -> None:
    async def times() -> list[tuple[str, float]]:
        async with EvalSession(agent_for(AnsweringLLM(LONG, "Yes."), first_message="Hello.")) as session:
            await session.user_says("When do you open?", interrupt_after_words=6)
            await session.user_says("Do you have bread?")
        first = session.record.events[0].at
        return [
            (turn.text, round(turn.ended_at - first, 6)) for turn in session.record.events if isinstance(turn, Turn)
        ]

    assert await times() == await times()
