"""A language model that fails, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from getpatter.errors import ConfigurationError, PartialReply, ProviderError
from getpatter.failover import Switch
from getpatter.llm.base import CallContext, LanguageModel, Message, ReplyPart, TextDelta, ToolCall
from getpatter.llm.fallback import FallbackLLM
from getpatter.llm.openai_compatible import OpenAICompatibleLLM
from getpatter.llm.scripted import ScriptedLLM
from getpatter.testing.clock import ManualClock
from getpatter.testing.failing import HANGS, REFUSES, FailingLLM, Fault
from getpatter.testing.providers import AnsweringLLM
from getpatter.testing.vendors.openai_chat import Answer, OpenAIServer
from getpatter.tools.context import ToolContext

HELLO = [Message("user", "Hello?")]
KEY = "sk-very-secret"
REFUSED_KEY = Fault(message="The key was refused.", retryable=False)


def models(*first: Fault | None) -> tuple[FailingLLM, FailingLLM]:
    """One with faults and one without, which say different things."""
    return (
        FailingLLM(AnsweringLLM(("Good ", "morning.")), *first, name="first"),
        FailingLLM(AnsweringLLM(("Good ", "evening.")), name="second"),
    )


async def collect(llm: LanguageModel) -> list[ReplyPart]:
    return [part async for part in llm.reply(HELLO, [])]


async def said(llm: LanguageModel) -> str:
    return "".join(part.text for part in await collect(llm) if isinstance(part, TextDelta))


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_healthy_model_is_the_only_one_asked() -> None:
    first, second = models()
    clock = ManualClock()
    assert await said(FallbackLLM([first, second], clock=clock)) == "Good morning."
    assert second.asked == 0
    assert clock.next_timer is None


@pytest.mark.parametrize("fault", [REFUSES, REFUSED_KEY], ids=["overloaded", "key"])
async def test_a_model_that_fails_before_its_first_word_hands_over_in_the_same_reply(fault: Fault) -> None:
    switches: list[Switch] = []
    first, second = models(fault)
    llm = FallbackLLM([first, second], clock=ManualClock()).reporting_to(switches.append)
    assert await said(llm) == "Good evening."
    assert [(switch.lost, switch.taken, switch.error.message) for switch in switches] == [
        ("first", "second", fault.message)
    ]


async def test_a_model_without_a_first_word_in_time_hands_over() -> None:
    clock = ManualClock()
    first, second = models(HANGS)
    replying = asyncio.create_task(said(FallbackLLM([first, second], first_token_s=2.0, clock=clock)))
    await turns()
    clock.advance(1.9)
    await turns()
    assert second.asked == 0
    clock.advance(0.1)
    async with asyncio.timeout(30):
        assert await replying == "Good evening."


async def test_a_word_that_is_empty_is_no_first_word() -> None:
    silent = FailingLLM(AnsweringLLM(("", "", "Hello.")), Fault(after=2), name="silent")
    _, second = models()
    assert await said(FallbackLLM([silent, second], clock=ManualClock())) == "Good evening."


async def test_the_last_model_has_more_time() -> None:
    clock = ManualClock()
    first, second = models(REFUSES)
    second.faults.add(HANGS)
    replying = asyncio.create_task(said(FallbackLLM([first, second], clock=clock)))
    await turns()
    clock.advance(14.9)
    await turns()
    assert not replying.done()
    clock.advance(0.1)
    async with asyncio.timeout(30):
        with pytest.raises(ProviderError, match="second gave no first word within 15 s"):
            await replying


async def test_half_a_sentence_is_not_said_again() -> None:
    clock = ManualClock()
    first, second = models(Fault(after=1))
    llm = FallbackLLM([first, second], clock=clock)
    parts = llm.reply(HELLO, [])
    assert await anext(parts) == TextDelta("Good ")
    clock.advance(60.0)  # the reader's own time
    with pytest.raises(PartialReply, match="connection was lost") as raised:
        await anext(parts)
    assert (raised.value.said, raised.value.provider) == ("Good ", "first")
    assert second.asked == 0
    assert await said(llm) == "Good evening.", "the next reply goes elsewhere"


async def test_a_tool_call_is_output_too() -> None:
    call = ToolCall("1", "book_table", "{}")
    first = FailingLLM(AnsweringLLM((call, "Done.")), Fault(after=1), name="first")
    _, second = models()
    with pytest.raises(PartialReply) as raised:
        await collect(FallbackLLM([first, second], clock=ManualClock()))
    assert (raised.value.said, raised.value.tools) == ("", ("book_table",))
    assert second.asked == 0


async def test_one_that_failed_is_passed_over_and_then_probed_by_one_reply() -> None:
    clock = ManualClock()
    first, second = models(REFUSES, HANGS)
    llm = FallbackLLM([first, second], retry_after_s=30.0, clock=clock)
    for _ in range(3):
        assert await said(llm) == "Good evening."
    assert first.asked == 1
    clock.advance(30.0)
    probing = asyncio.create_task(said(llm))
    await turns()
    assert first.asked == 2
    assert await said(llm) == "Good evening.", "others do not wait for the probe"
    assert first.asked == 2
    clock.advance(4.0)
    async with asyncio.timeout(30):
        assert await probing == "Good evening."
    clock.advance(30.0)
    assert await said(llm) == await said(llm) == "Good morning."


async def test_a_probe_has_worked_with_its_first_word() -> None:
    clock = ManualClock()
    first, second = models(REFUSES)
    llm = FallbackLLM([first, second], clock=clock)
    await said(llm)
    clock.advance(30.0)
    async with aclosing(llm.reply(HELLO, [])) as parts:
        assert await anext(parts) == TextDelta("Good ")
    assert await said(llm) == "Good morning."


async def test_when_all_are_passed_over_they_are_asked_all_the_same() -> None:
    first, second = models(REFUSES)
    second.faults.add(REFUSES)
    llm = FallbackLLM([first, second], clock=ManualClock())
    with pytest.raises(ProviderError):
        await said(llm)
    assert await said(llm) == "Good morning."


async def test_all_failed_is_one_error_that_names_each() -> None:
    first, second = models(REFUSES)
    second.faults.add(REFUSED_KEY)
    with pytest.raises(ProviderError) as raised:
        await said(FallbackLLM([first, second], clock=ManualClock()))
    assert raised.value.message == "Nothing could answer: The server is overloaded; The key was refused."
    assert raised.value.provider == "first, second"
    assert raised.value.retryable
    assert not isinstance(raised.value, PartialReply)


async def test_a_model_that_has_nothing_to_say_has_not_failed() -> None:
    quiet = FailingLLM(AnsweringLLM(()), name="quiet")
    _, second = models()
    assert await collect(FallbackLLM([quiet, second], clock=ManualClock())) == []
    assert second.asked == 0


async def test_closing_the_reply_closes_the_model_s() -> None:
    clock = ManualClock()
    first, second = models(Fault(after=1, hangs=True))
    llm = FallbackLLM([first, second], clock=clock)
    async with aclosing(llm.reply(HELLO, [])) as parts:
        await anext(parts)
    assert clock.next_timer is None
    assert second.asked == 0


async def test_at_the_wire_a_busy_server_is_replaced_and_no_key_is_told() -> None:
    busy = Answer(status=429, error={"message": f"slow down, {KEY}"})
    async with OpenAIServer(busy).running() as one, OpenAIServer(Answer(text="Hello.")).running() as other:
        switches: list[Switch] = []
        llm = FallbackLLM([OpenAICompatibleLLM(server.url, "m", KEY) for server in (one, other)])
        await llm.warm()
        try:
            assert await said(llm.reporting_to(switches.append)) == "Hello."
        finally:
            await llm.close()
    assert KEY not in str(switches[0])
    for server in (one, other):
        assert server.warmed == [request.connection for request in server.requests]


async def test_models_are_named_warmed_and_closed_together() -> None:
    first, second = models()
    llm = FallbackLLM([first, second], clock=ManualClock())
    await llm.warm()
    await llm.close()
    assert (first.warmed, second.warmed) == (1, 1)
    assert first.closed
    assert second.closed
    assert llm.name == "first, else second"
    assert llm.scripted, "prepared answers say that they are"
    assert FallbackLLM([ScriptedLLM()]).scripted


def test_without_a_model_there_is_no_fallback() -> None:
    with pytest.raises(ConfigurationError):
        FallbackLLM([])


# -- one call


class PerCall(AnsweringLLM):
    """Says whose call it answers, and counts what it gave to calls."""

    def __init__(self, name: str, call_id: str = "") -> None:
        super().__init__(f"{name} in {call_id or 'no call'}.")
        self.name = name
        self.closed = 0
        self.made: list[PerCall] = []

    def for_call(self, call: CallContext) -> LanguageModel:
        self.made.append(PerCall(self.name, call.call_id))
        return self.made[-1]

    async def close(self) -> None:
        self.closed += 1


async def test_in_a_call_each_model_is_the_one_for_that_call() -> None:
    (first, _), second = models(REFUSES), PerCall("second")
    standing = FallbackLLM([first, second], clock=ManualClock())
    view = standing.for_call(ToolContext("call_1"))
    assert await said(view) == "second in call_1."
    await view.close()
    assert ([one.closed for one in second.made], second.closed, first.closed) == ([1], 0, False)
    await standing.close()
    assert (second.closed, first.closed) == (1, True)


async def test_what_failed_in_one_call_is_passed_over_in_the_next() -> None:
    (first, _), second = models(REFUSES), PerCall("second")
    standing = FallbackLLM([first, second], clock=ManualClock())
    await said(standing.for_call(ToolContext("call_1")))
    assert await said(standing.for_call(ToolContext("call_2"))) == "second in call_2."
    assert first.asked == 1
