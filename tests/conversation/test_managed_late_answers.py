"""Answers of an engine that come late, or are lost with its connection, on a clock that the test moves."""

from __future__ import annotations

import pytest

from getpatter.errors import ProviderError
from getpatter.events import Problem
from getpatter.llm.base import Message
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.told_leader import LeadingEngine
from tests.conversation.led_calls import StageFor, asks, speaks

# -- what comes late


async def test_an_answer_that_was_not_waited_for_is_heard_when_it_comes(stage_of: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("a table", silently=True)
    await stage.passes(15)
    assert not stage.played
    engine.session.answers()
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table"), ("agent", "At what time, please?")]
    assert engine.session.cancelled == 0
    assert not stage.happened(Problem)


async def test_the_rest_of_an_answer_is_heard_when_it_comes(stage_of: StageFor) -> None:
    engine = LeadingEngine(Spoken("Let me see.", stall_after=3), "She is here.")
    stage = stage_of(engine)
    await stage.start()
    await asks(stage, engine, "is Ada there")
    await stage.passes(15)
    engine.session.answers()
    await stage.passes(3)
    assert [text for role, text in stage.turns() if role == "agent"][-1] == "She is here."
    assert len(stage.played) == pytest.approx((0.6 + 3 * 0.4) * 8000, abs=320)


async def test_a_late_answer_is_void_once_the_caller_has_spoken(stage_of: StageFor) -> None:
    engine = LeadingEngine("Very well.")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("a table", silently=True)
    await stage.passes(15)
    await asks(stage, engine, "never mind")
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table"), ("caller", "never mind"), ("agent", "Very well.")]


async def test_a_slow_answer_is_not_cut_off_by_the_question_who_is_there(stage_of: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("a table", silently=True)
    await stage.passes(30)
    assert engine.session.said == []
    engine.session.answers()
    await stage.passes(3)
    assert stage.last_turn().text == "At what time, please?"


async def test_who_is_asked_whether_they_are_there_hears_no_answer_from_before(stage_of: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("a table", silently=True)
    await stage.passes(46)
    assert engine.session.said == ["Are you still there?"]
    assert [event.message for event in stage.events if isinstance(event, Problem)] == [
        "leading engine had not answered when it was to say something else."
    ]


async def test_an_answer_that_is_late_when_the_connection_breaks_is_asked_for_again(stage_of: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("a table", silently=True)
    await stage.passes(12)
    engine.session.lose()
    await stage.passes(0.1)
    assert (len(engine.sessions), engine.session.asked) == (2, 1)
    engine.session.answers()
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table"), ("agent", "At what time, please?")]


# -- losses


async def test_a_lost_session_is_opened_again_with_what_was_said(stage_of: StageFor) -> None:
    engine = LeadingEngine("At what time?", "Very well.")
    stage = stage_of(engine, first_message="")
    await stage.start()
    await asks(stage, engine, "a table")
    await stage.passes(3)
    engine.session.lose()
    await stage.passes(0.1)
    assert len(engine.sessions) == 2
    assert engine.session.config.history == [Message("user", "a table"), Message("assistant", "At what time?")]
    assert not engine.session.config.greets
    await asks(stage, engine, "at seven")
    await stage.passes(3)
    assert stage.last_turn().text == "Very well."
    assert stage.happened(Problem)


async def test_a_turn_whose_answer_was_lost_is_asked_about_again(stage_of: StageFor) -> None:
    engine = LeadingEngine("At what time?")
    stage = stage_of(engine)
    await stage.start()
    engine.session.takes_turn("a table", silently=True)
    await stage.settle()
    engine.session.lose()
    await stage.passes(0.1)
    assert engine.session.config.history == [Message("user", "a table")]
    assert engine.session.asked == 1


async def test_a_turn_that_was_lost_as_it_was_taken_is_told_to_the_next_session(stage_of: StageFor) -> None:
    engine = LeadingEngine(Spoken("At what time?", drop_after=0), "At what time?")
    stage = stage_of(engine)
    await stage.start()
    await asks(stage, engine, "a table")
    await stage.passes(3)
    assert engine.session.told == ["a table"]
    assert stage.turns() == [("caller", "a table"), ("agent", "At what time?")]


async def test_without_an_engine_the_call_ends(stage_of: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_of(engine)
    await stage.start()
    engine.refuses = ProviderError("It is gone.", retryable=True)
    engine.session.lose()
    await stage.passes(1)
    assert stage.ended is not None
    assert stage.ended[0].ended_by == "engine"
