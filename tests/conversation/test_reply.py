"""What an answer is made of, and in which order: whole calls, with an eye on one reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from getpatter.agent import Agent, TurnSettings
from getpatter.conversation.reply import MAX_STEPS
from getpatter.events import DraftEnded, Problem
from getpatter.guardrails import guardrail
from getpatter.hooks import HookContext, PipelineHooks
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.stage import Stage
from getpatter.tools.context import Progress
from getpatter.tools.tool import tool

CallOf = Callable[..., Stage]
LONG = "We have " + "tables by the window and in the garden and " * 6 + "more."


@tool
async def look() -> str:
    """Look it up."""
    return "five tables"


def asked_to_look(call_id: str = "1") -> ToolCall:
    return ToolCall(call_id, "look", "{}")


def told(llm: AnsweringLLM, role: str) -> list[list[str]]:
    """What each request held of a role."""
    return [[message.content for message in asked if message.role == role] for asked in llm.asked]


def problems(stage: Stage) -> list[str]:
    return [event.message for event in stage.events if isinstance(event, Problem)]


# -- the voice


async def test_a_voice_that_waits_for_room_has_not_stalled(call_of: CallOf) -> None:
    stage = call_of(llm=AnsweringLLM(LONG), stt=TellableSTT(["hello"]))
    await stage.start()
    await stage.says()
    await stage.passes(1)
    for _ in range(6):  # an overlap that is not settled holds the sound, and with it the room for more
        stage.talk._speaker.hold()
        await stage.passes(2)
    stage.talk._speaker.release()
    await stage.passes(30)
    assert problems(stage) == []
    assert stage.turns()[-1] == ("agent", LONG)


async def test_a_voice_that_gives_nothing_is_not_waited_for(call_of: CallOf) -> None:
    tts = CountingTTS()
    tts.stalls = True
    stage = call_of(tts=tts, stt=TellableSTT(["hello"]))
    await stage.start()
    await stage.says()
    await stage.passes(11)
    assert problems(stage) == ["The voice gave no audio for 10 s."]


# -- foreign code


async def cancelled(*_: object) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("stage_name", ["before_llm", "before_synthesize", "after_synthesize", "after_transcribe"])
async def test_a_hook_whose_wait_was_cancelled_costs_no_answer(call_of: CallOf, stage_name: str) -> None:
    hooks = PipelineHooks(**{stage_name: cancelled})  # type: ignore[arg-type]  # fields by name
    stage = call_of(llm=AnsweringLLM("At seven."), stt=TellableSTT(["hello"]), hooks=hooks)
    await stage.start()
    await stage.says()
    await stage.passes(3)
    assert stage.turns() == [("caller", "hello"), ("agent", "At seven.")]
    assert problems(stage) == [f"{stage_name} failed and was left out: InnerCancellation."]


class CancelledLLM(AnsweringLLM):
    """A model whose connection is cancelled under it."""

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncIterator[ReplyPart]:  # type: ignore[override]  # a generator
        raise asyncio.CancelledError
        yield TextDelta("")


async def test_a_model_that_is_cancelled_from_inside_ends_the_call_and_is_not_waited_for(call_of: CallOf) -> None:
    stage = call_of(llm=CancelledLLM(), stt=TellableSTT(["hello"]))
    await stage.start()
    await stage.says()
    await stage.passes(5)
    assert stage.ended is not None


async def test_a_transform_that_fails_is_left_out_and_told_of_once_without_its_words(
    call_of: CallOf, caplog: pytest.LogCaptureFixture
) -> None:
    def bad(text: str) -> str:
        raise ValueError(f"secret: {text}")

    tts = CountingTTS()
    stage = call_of(
        llm=AnsweringLLM("At seven. At eight."), stt=TellableSTT(["hello"]), tts=tts, text_transforms=(bad, str.upper)
    )
    await stage.start()
    await stage.says()
    await stage.passes(4)
    assert " ".join(tts.spoken) == "AT SEVEN. AT EIGHT."
    (problem,) = [event for event in stage.events if isinstance(event, Problem)]
    assert problem.message == "text_transforms[0] failed and was left out: ValueError."
    assert "secret" not in caplog.text


async def test_a_fault_is_logged_without_what_was_said(call_of: CallOf, caplog: pytest.LogCaptureFixture) -> None:
    tts = CountingTTS()
    tts.fails = ValueError("secret: 4111")  # type: ignore[assignment]  # a fault of the voice's
    stage = call_of(tts=tts, stt=TellableSTT(["hello"]))
    await stage.start()
    await stage.says()
    await stage.passes(2)
    assert "the reply failed: ValueError at" in caplog.text
    assert "4111" not in caplog.text
    assert "Traceback" not in caplog.text


# -- the order of what is said


async def test_a_filler_is_not_said_once_there_is_something_to_say(call_of: CallOf) -> None:
    tts = CountingTTS()
    tts.delay = asyncio.Event()
    stage = call_of(
        llm=AnsweringLLM("At what time?"), stt=TellableSTT(["hello"]), tts=tts, filler_message="One moment."
    )
    await stage.start()
    await stage.says()
    await stage.passes(4.5)
    tts.delay.set()
    await stage.passes(4)
    assert tts.spoken == ["At what time?"]


async def test_a_filler_bridges_the_wait_for_the_first_words(call_of: CallOf) -> None:
    llm, tts = AnsweringLLM("At what time?"), CountingTTS()
    llm.delay = asyncio.Event()
    stage = call_of(llm=llm, stt=TellableSTT(["hello"]), tts=tts, filler_message="One moment.")
    await stage.start()
    await stage.says()
    await stage.passes(4.5)
    llm.delay.set()
    await stage.passes(4)
    assert tts.spoken == ["One moment.", "At what time?"]


async def test_progress_follows_what_announced_it(call_of: CallOf) -> None:
    @tool
    async def slow() -> AsyncIterator[Progress | str]:
        """Look it up."""
        yield Progress("Still looking.")
        yield "x"

    tts = CountingTTS()
    tts.delay = asyncio.Event()
    llm = AnsweringLLM(["Let me check. I will look it up.", ToolCall("1", "slow", "{}")], "Found.")
    stage = call_of(llm=llm, stt=TellableSTT(["hello"]), tts=tts, tools=(slow,))
    await stage.start()
    await stage.says()
    await stage.passes(0.2)
    tts.delay.set()
    await stage.passes(8)
    assert " ".join(tts.spoken) == "Let me check. I will look it up. Still looking. Found."


# -- steps


async def test_a_model_that_only_calls_tools_is_asked_for_words_in_the_end(call_of: CallOf) -> None:
    llm = AnsweringLLM(*[asked_to_look(str(step)) for step in range(MAX_STEPS)], "I cannot find it.")
    stage = call_of(llm=llm, stt=TellableSTT(["hello"]), tools=(look,))
    await stage.start()
    await stage.says()
    await stage.passes(5)
    assert [bool(tools) for tools in llm.offered] == [True] * MAX_STEPS + [False]
    assert stage.turns()[-1] == ("agent", "I cannot find it.")


async def test_nothing_follows_a_goodbye_whatever_else_is_asked_for_with_it(call_of: CallOf) -> None:
    llm = AnsweringLLM(["Goodbye.", ToolCall("1", "end_call", "{}"), asked_to_look("2")], "And another thing.")
    stage = call_of(llm=llm, stt=TellableSTT(["hello"]), tools=(look,))
    await stage.start()
    await stage.says()
    await stage.passes(5)
    assert stage.turns()[-1] == ("agent", "Goodbye.")
    assert stage.ended is not None


async def test_the_model_is_told_its_words_as_they_may_be_heard_before_its_tools_results(call_of: CallOf) -> None:
    llm = AnsweringLLM(["You are a damn fool.", asked_to_look()], "Five.")
    rail = guardrail("manners", ["damn"], replacement="Let me see.")
    stage = call_of(llm=llm, stt=TellableSTT(["hello"]), tools=(look,), guardrails=(rail,))
    await stage.start()
    await stage.says()
    await stage.passes(4)
    assert told(llm, "assistant")[1] == ["Let me see."]


async def test_the_hook_before_the_model_is_asked_at_each_step(call_of: CallOf) -> None:
    def brief(messages: Sequence[Message], context: HookContext) -> list[Message]:
        return [Message("system", "Be brief."), *messages[1:]]

    llm = AnsweringLLM(asked_to_look(), "Five.")
    stage = call_of(llm=llm, stt=TellableSTT(["hello"]), tools=(look,), hooks=PipelineHooks(before_llm=brief))
    await stage.start()
    await stage.says()
    await stage.passes(3)
    assert told(llm, "system") == [["Be brief."], ["Be brief."]]


async def test_calls_of_one_id_get_their_own_results_however_late(call_of: CallOf) -> None:
    booked, looked = asyncio.Event(), asyncio.Event()

    @tool
    async def book() -> str:
        """Book it."""
        await booked.wait()
        return "booked"

    @tool
    async def weather() -> str:
        """Tell the weather."""
        await looked.wait()
        return "sunny"

    llm = AnsweringLLM(
        ["I will book.", ToolCall("0", "book", "{}")], ["Looking.", ToolCall("0", "weather", "{}")], "It is sunny."
    )
    stt = TellableSTT(["book it"])
    stage = call_of(llm=llm, stt=stt, tools=(book, weather))
    await stage.start()
    await stage.says()
    await stage.passes(0.3)
    stt.tell_next("wait, how is the weather")
    await stage.says()
    await stage.passes(0.4)
    booked.set()
    await stage.passes(0.2)
    looked.set()
    await stage.passes(3)
    assert told(llm, "tool")[-1] == ["booked", "sunny"]


# -- drafts


async def test_a_draft_from_before_a_late_result_is_not_used(call_of: CallOf) -> None:
    booked = asyncio.Event()

    @tool
    async def book() -> str:
        """Book it."""
        await booked.wait()
        return "booked"

    llm = AnsweringLLM(["One second.", ToolCall("1", "book", "{}")], "It is under way.", "It is booked.")
    stt = TellableSTT(["book it", "did it work"])
    stage = call_of(llm=llm, stt=stt, tools=(book,), turns=TurnSettings(preemptive=True))
    await stage.start()
    await stage.says()
    await stage.passes(0.3)
    await stage.begins_to_speak()
    stt.opened[0].interim("did it")
    await stage.settle()
    stt.opened[0].interim("did it work")
    await stage.passes(0.5)
    assert told(llm, "tool")[-1] == ["There is no result yet."], "the draft"
    booked.set()
    await stage.passes(0.1)
    await stage.stops_speaking()
    await stage.passes(3)
    assert [event.used for event in stage.events if isinstance(event, DraftEnded)] == [False]
    assert told(llm, "tool")[-1] == ["booked"]


async def test_the_hooks_of_a_draft_know_what_was_said_before(call_of: CallOf) -> None:
    known: list[list[str]] = []

    def look_at(messages: Sequence[Message], context: HookContext) -> None:
        known.append([message.content for message in context.history])

    stt = TellableSTT(["a table", "at seven"])
    hooks = PipelineHooks(before_llm=look_at)
    llm = AnsweringLLM("At what time?", "Fine.")
    stage = call_of(llm=llm, stt=stt, hooks=hooks, turns=TurnSettings(preemptive=True))
    await stage.start()
    for words in ("a table", "at seven"):
        await stage.begins_to_speak()
        stt.opened[0].interim(words)
        await stage.passes(0.5)
        await stage.stops_speaking()
        await stage.passes(4)
    assert known == [["You book tables."], ["You book tables.", "a table", "At what time?"]]


# -- the hook after the transcript


class Redaction:
    """Takes a name out of what the caller said, in its own time."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def __call__(self, text: str, context: HookContext) -> str:
        await self.may.wait()
        return text.replace("Bob", "#")


async def test_nobody_is_told_what_the_hook_has_not_seen_though_the_caller_goes_on(call_of: CallOf) -> None:
    redaction, llm = Redaction(), AnsweringLLM("Yes.")
    stt = TellableSTT(["my name is Bob.", "and I am Bob too."])
    stage = call_of(llm=llm, stt=stt, hooks=PipelineHooks(after_transcribe=redaction))
    await stage.start()
    await stage.says()
    await stage.begins_to_speak()
    stt.opened[0].interim("and I am")
    await stage.settle()
    redaction.may.set()
    await stage.settle()
    await stage.stops_speaking()
    await stage.passes(3)
    assert told(llm, "user") == [["my name is #. and I am # too."]]
    assert stage.turns() == [("caller", "my name is #."), ("caller", "and I am # too."), ("agent", "Yes.")]


async def test_a_turn_that_the_hook_drops_is_not_answered_and_the_next_one_is(call_of: CallOf) -> None:
    llm = AnsweringLLM("Yes.")
    hooks = PipelineHooks(after_transcribe=lambda text, context: None if "noise" in text else text)
    stage = call_of(llm=llm, stt=TellableSTT(["noise", "hello"]), hooks=hooks)
    await stage.start()
    await stage.says()
    await stage.passes(1)
    assert llm.asked == []
    await stage.says()
    await stage.passes(2)
    assert told(llm, "user") == [["hello"]]


# -- another agent


async def test_an_agent_that_cannot_take_over_changes_nothing(call_of: CallOf) -> None:
    clashing = Agent(
        system_prompt="B.",
        name="b",
        llm=AnsweringLLM(""),
        stt=TellableSTT(),
        tts=CountingTTS(),
    )
    stage = call_of(stt=TellableSTT(["hello"]), handoffs=(clashing,))
    persona = stage.talk._persona
    before = (persona.prompt, persona.hooks, persona.wording, persona.toolbox)
    object.__setattr__(clashing, "tools", (look, look))  # past the check of an agent's own
    with pytest.raises(Exception, match="look"):
        persona.become(clashing)
    assert (persona.prompt, persona.hooks, persona.wording, persona.toolbox) == before
