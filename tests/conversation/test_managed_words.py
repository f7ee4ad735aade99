"""Our own words in the mouth of an engine that leads the turns, on a clock that the test moves."""

from __future__ import annotations

import asyncio

import pytest

from getpatter.events import Problem
from getpatter.guardrails import guardrail
from getpatter.llm.base import ToolCall
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.told_leader import LeadingEngine
from tests.conversation.led_calls import TEN_WORDS, StageFor, asks, looking_up


async def test_what_must_not_be_said_is_not_heard(stage_of: StageFor) -> None:
    engine = LeadingEngine("That is a good question. You should take aspirin for that. Anything else?")
    rules = (guardrail("medicine", ["aspirin"], replacement="I cannot advise on that."),)
    stage = stage_of(engine, guardrails=rules)
    await stage.start()
    await asks(stage, engine, "my head aches")
    await stage.passes(12)
    assert engine.session.said == ["I cannot advise on that."]
    assert "aspirin" not in stage.turns()[-1][1]


async def test_words_that_are_broken_off_before_they_are_heard_are_asked_for_again(stage_of: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS)
    engine.stalls_words = True
    stage = stage_of(engine)
    await stage.start()
    await asks(stage, engine, "count")
    await stage.passes(1)
    stage.talk.shut_down()
    await stage.settle()
    engine.session.takes_turn("wait", silently=True)
    engine.stalls_words = False
    await stage.passes(6)
    assert stage.turns()[-1] == ("agent", engine.session.said[0])
    assert len(engine.session.said) == 2
    assert stage.happened(Problem)
    assert stage.ended is not None


async def test_words_that_a_transfer_cuts_short_are_not_asked_for_again(stage_of: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    engine.stalls_words = True
    stage = stage_of(engine, first_message="Hello!")
    await stage.start()

    async def transfer() -> None:
        pass

    await stage.talk.give_away(transfer)
    await stage.passes(2)
    assert engine.session.said == ["Hello!"]
    assert not stage.happened(Problem)


async def test_words_to_bridge_a_wait_that_cannot_be_said_are_a_problem_once(stage_of: StageFor) -> None:
    done = asyncio.Event()
    calls = (ToolCall("1", "look_up", "{}"),)
    engine = LeadingEngine(Spoken("Let me see.", tool_calls=calls), "She is here.")
    stage = stage_of(engine, tools=(looking_up(done),), filler_message="One moment.")
    await stage.start()
    await asks(stage, engine, "is Ada there")
    await stage.passes(8)
    done.set()
    await stage.passes(4)
    assert engine.session.said == []
    assert [event.message for event in stage.events if isinstance(event, Problem)] == [
        "leading engine cannot be given words to bridge a wait: they would end its turn."
    ]


@pytest.mark.parametrize("addition", ["One more thing.", Spoken("One more thing.", stall_after=1)])
async def test_keys_are_not_answered_by_what_the_engine_would_have_added(
    addition: str | Spoken, stage_of: StageFor
) -> None:
    engine = LeadingEngine(Spoken(TEN_WORDS), addition, "Thank you.")
    stage = stage_of(engine)
    await stage.start()
    await asks(stage, engine, "count")
    await stage.passes(1)
    engine.session.speaks_up()
    await stage.settle()
    stage.talk.press("1")
    await stage.passes(5)
    assert engine.session.told == ["[pressed 1]"]
    assert stage.turns()[1:] == [("agent", "one two"), ("caller", "[pressed 1]"), ("agent", "Thank you.")]
