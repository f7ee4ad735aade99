"""Whole talks through an engine that decides by itself when to speak, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from getpatter.agent import Agent, TurnSettings
from getpatter.barge_in import BargeInSettings
from getpatter.errors import ProviderError
from getpatter.events import BargeIn, EndOfTurn, FalseInterruption, Problem, ToolCalled
from getpatter.guardrails import guardrail
from getpatter.llm.base import Message, ToolCall
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.stage import Stage
from getpatter.testing.told_leader import LeadingEngine
from getpatter.tools.tool import Tool, tool

TEN_WORDS = "one two three four five six seven eight nine ten"
FRAME = b"\x40" * 160
SILENCE = b"\xff" * 160


@pytest.fixture
async def stage_for() -> AsyncIterator[Callable[..., Stage]]:
    """Makes stages, and afterwards sees to it that nothing of them is left running."""
    stages: list[Stage] = []
    engines: list[LeadingEngine] = []

    def make(engine: LeadingEngine, **changes: Any) -> Stage:
        engines.append(engine)
        stages.append(Stage(replace(Agent(system_prompt="You book tables.", engine=engine), **changes)))
        return stages[-1]

    yield make
    for stage in stages:
        await stage.talk.close()
        await stage.talk.close()
        stage.pacer.close()
        assert stage.clock.next_timer is None, "a timer was left behind"
    assert all(session.closed for engine in engines for session in engine.sessions)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


StageFor = Callable[..., Stage]


async def speaks(stage: Stage, seconds: float = 1.0) -> None:
    """The caller says something that can be heard."""
    await stage.begins_to_speak()
    for _ in range(round(seconds / 0.02)):
        stage.talk.hear(FRAME)
    await stage.stops_speaking()


async def asks(stage: Stage, engine: LeadingEngine, words: str) -> None:
    """They say something, and the engine takes it for a turn."""
    await speaks(stage)
    engine.session.takes_turn(words)
    await stage.settle()


def looking_up(done: asyncio.Event, *, side_effects: bool = False) -> Tool:
    async def find() -> str:
        await done.wait()
        return "found"

    return tool(
        handler=find,
        name="look_up",
        description="Finds somebody.",
        side_effects=side_effects,
        reassurance="I am still looking.",
    )


# -- turns


async def test_a_turn_is_over_when_the_engine_takes_it(stage_for: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_for(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(1.5)
    assert not stage.played, "silence ends no turn"
    engine.session.takes_turn("a table for two")
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table for two"), ("agent", "At what time, please?")]
    assert len(stage.played) == pytest.approx(4 * 0.4 * 8000, abs=160)


async def test_a_turn_may_be_taken_before_our_own_ears_have_heard_its_end(stage_for: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_for(engine)
    await stage.start()
    await stage.begins_to_speak()
    engine.session.takes_turn("a table for two")
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table for two"), ("agent", "At what time, please?")]


async def test_a_voice_too_soft_for_our_own_ears_is_answered(stage_for: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_for(engine)
    await stage.start()
    engine.session.takes_turn("hello")
    await stage.passes(2)
    assert stage.turns() == [("caller", "hello"), ("agent", "Yes.")]


async def test_a_turn_may_be_answered_before_its_words_are_known(stage_for: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "")
    await stage.passes(0.5)
    engine.session.understands_late("a table for two")
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table for two"), ("agent", "At what time, please?")]


async def test_what_comes_before_the_reply_is_begun_is_not_lost(stage_for: StageFor) -> None:
    engine = LeadingEngine("Yes, of course.")
    stage = stage_for(engine, hooks=replace(Agent(system_prompt="", engine=engine).hooks, after_transcribe=_slowly))
    await stage.start()
    await asks(stage, engine, "can you")
    await stage.passes(3)
    assert stage.turns()[-1] == ("agent", "Yes, of course.")
    assert len(stage.played) == pytest.approx(3 * 0.4 * 8000, abs=160)


async def _slowly(text: str, context: object) -> str:
    for _ in range(10):
        await asyncio.sleep(0)
    return text


async def test_a_caller_who_goes_on_before_the_answer_is_answered_once(stage_for: StageFor) -> None:
    engine = LeadingEngine("Very well.")
    stage = stage_for(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("a table", silently=True)
    await stage.settle()
    await speaks(stage)
    engine.session.takes_turn("for two")
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table"), ("caller", "for two"), ("agent", "Very well.")]


async def test_the_engine_hears_the_silence_too(stage_for: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_for(engine)
    await stage.start()
    for _ in range(50):
        stage.talk.hear(SILENCE)
    assert len(engine.session.heard) == 8000


async def test_the_first_message_is_the_first_thing_that_is_asked_for(stage_for: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_for(engine, first_message="Good morning.")
    await stage.start()
    await stage.passes(2)
    assert engine.session.config.greets
    assert engine.session.said == ["Good morning."]
    assert stage.turns() == [("agent", "Good morning.")]


async def test_keys_are_a_turn_that_is_asked_for(stage_for: StageFor) -> None:
    engine = LeadingEngine("Thank you.")
    stage = stage_for(engine)
    await stage.start()
    for digit in "12":
        stage.talk.press(digit)
    await stage.passes(4)
    assert engine.session.told == ["[pressed 1 2]"]
    assert stage.turns() == [("caller", "[pressed 1 2]"), ("agent", "Thank you.")]


async def test_keys_that_are_being_pressed_when_the_engine_answers_are_answered_after_it(stage_for: StageFor) -> None:
    engine = LeadingEngine("Yes.", "Thank you.")
    stage = stage_for(engine)
    await stage.start()
    stage.talk.press("1")
    engine.session.takes_turn("hello")
    await stage.passes(5)
    assert stage.turns() == [
        ("caller", "hello"),
        ("agent", "Yes."),
        ("caller", "[pressed 1]"),
        ("agent", "Thank you."),
    ]


async def test_an_engine_that_chooses_to_say_nothing_is_let(stage_for: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_for(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("hm", silently=True)
    await stage.passes(11)
    assert stage.ended is None
    assert not stage.happened(Problem)
    await asks(stage, engine, "are you there")
    await stage.passes(3)
    assert stage.last_turn().text == "Yes."


async def test_a_silent_line_is_asked_and_hung_up_as_ever(stage_for: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_for(engine)
    await stage.start()
    await speaks(stage)  # a cough, of which the engine makes nothing
    await stage.passes(40)
    assert engine.session.said[0] == "Are you still there?"
    assert stage.ended is not None
    assert stage.ended[0].reason == "nobody spoke"


# -- what comes late


async def test_an_answer_that_was_not_waited_for_is_heard_when_it_comes(stage_for: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_for(engine)
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


async def test_the_rest_of_an_answer_is_heard_when_it_comes(stage_for: StageFor) -> None:
    engine = LeadingEngine(Spoken("Let me see.", stall_after=3), "She is here.")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "is Ada there")
    await stage.passes(15)
    engine.session.answers()
    await stage.passes(3)
    assert [text for role, text in stage.turns() if role == "agent"][-1] == "She is here."
    assert len(stage.played) == pytest.approx((0.6 + 3 * 0.4) * 8000, abs=320)


async def test_a_late_answer_is_void_once_the_caller_has_spoken(stage_for: StageFor) -> None:
    engine = LeadingEngine("Very well.")
    stage = stage_for(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("a table", silently=True)
    await stage.passes(15)
    await asks(stage, engine, "never mind")
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table"), ("caller", "never mind"), ("agent", "Very well.")]


async def test_a_slow_answer_is_not_cut_off_by_the_question_who_is_there(stage_for: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_for(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("a table", silently=True)
    await stage.passes(30)
    assert engine.session.said == []
    engine.session.answers()
    await stage.passes(3)
    assert stage.last_turn().text == "At what time, please?"


async def test_who_is_asked_whether_they_are_there_hears_no_answer_from_before(stage_for: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_for(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("a table", silently=True)
    await stage.passes(46)
    assert engine.session.said == ["Are you still there?"]
    assert [event.message for event in stage.events if isinstance(event, Problem)] == [
        "leading engine had not answered when it was to say something else."
    ]


async def test_an_answer_that_is_late_when_the_connection_breaks_is_asked_for_again(stage_for: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_for(engine)
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


# -- what nobody asked for


async def test_an_engine_may_speak_up(stage_for: StageFor) -> None:
    engine = LeadingEngine("Shall we go on?")
    stage = stage_for(engine)
    await stage.start()
    engine.session.speaks_up()
    await stage.passes(3)
    assert stage.turns() == [("agent", "Shall we go on?")]
    assert not stage.happened(EndOfTurn), "nobody's turn has ended"


async def test_what_the_engine_adds_follows_what_it_says(stage_for: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS, "And eleven.")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "count")
    await stage.passes(1)
    engine.session.speaks_up()
    await stage.passes(7)
    assert stage.turns() == [("caller", "count"), ("agent", TEN_WORDS), ("agent", "And eleven.")]
    assert len(stage.played) == pytest.approx(12 * 0.4 * 8000, abs=320)


async def test_what_it_would_have_added_falls_to_an_interruption(stage_for: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS, "And eleven.", "Very well.")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "count")
    await stage.passes(1)
    engine.session.speaks_up()
    await stage.passes(0.5)
    await stage.begins_to_speak()
    engine.session.hears_interruption()
    await stage.stops_speaking()
    engine.session.takes_turn("stop")
    await stage.passes(3)
    assert [text for role, text in stage.turns() if role == "agent"] == [
        "one two three four",
        "Very well.",
    ]


# -- interruptions


async def test_an_interruption_that_the_engine_decides_cuts_the_sound(stage_for: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS, "Go on.")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "tell me")
    await stage.passes(2)
    engine.session.hears_interruption()
    await stage.passes(1)
    assert stage.clears == 1
    assert stage.happened(BargeIn)
    assert stage.turns() == [("caller", "tell me"), ("agent", "one two three four five")]
    engine.session.takes_turn("stop that")
    await stage.passes(3)
    assert stage.last_turn().text == "Go on."


async def test_words_whose_sound_never_came_were_not_heard(stage_for: StageFor) -> None:
    engine = LeadingEngine(Spoken(TEN_WORDS, stall_after=5), "Go on.")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "tell me")
    await stage.passes(2)
    engine.session.hears_interruption()
    await stage.passes(0.5)
    heard = stage.turns()[-1][1].split()
    assert len(stage.played) == pytest.approx(8000, abs=320)
    assert heard == TEN_WORDS.split()[: len(heard)]
    assert len(heard) <= 3, "a second holds some fourteen characters"


async def test_a_turn_that_is_taken_over_the_agent_takes_the_place_of_what_it_says(stage_for: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS, "Go on.")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "tell me")
    await stage.passes(2)
    engine.session.takes_turn("stop that")
    await stage.passes(3)
    assert stage.turns() == [
        ("caller", "tell me"),
        ("agent", "one two three four five"),
        ("caller", "stop that"),
        ("agent", "Go on."),
    ]


async def test_our_own_ears_pause_the_sound_at_once(stage_for: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS, "Go on.")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "tell me")
    await stage.passes(2)
    await stage.begins_to_speak()
    assert stage.clears == 1
    await stage.stops_speaking()
    engine.session.takes_turn("stop that")
    await stage.passes(3)
    assert stage.last_turn().text == "Go on."


async def test_a_cough_of_which_the_engine_makes_nothing_is_none(stage_for: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS)
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "tell me")
    await stage.passes(1.5)
    await speaks(stage, 0.2)
    await stage.passes(7)
    assert stage.happened(FalseInterruption)
    assert stage.turns() == [("caller", "tell me"), ("agent", TEN_WORDS)]


async def test_an_interruption_that_we_decide_breaks_the_response_off(stage_for: StageFor) -> None:
    engine = LeadingEngine(Spoken(TEN_WORDS, stall_after=10), "Go on.")
    stage = stage_for(engine, turns=TurnSettings(while_speaking=BargeInSettings(mode="cancel")))
    await stage.start()
    await asks(stage, engine, "tell me")
    await stage.passes(1)
    await stage.begins_to_speak()
    assert engine.session.cancelled == 1
    await stage.stops_speaking()
    engine.session.takes_turn("stop that")
    await stage.passes(3)
    assert stage.last_turn().text == "Go on."


async def test_a_goodbye_is_heard_to_its_end(stage_for: StageFor) -> None:
    engine = LeadingEngine(Spoken("Goodbye and thank you.", tool_calls=(ToolCall("1", "end_call", "{}"),)), "Hello?")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "bye")
    await stage.passes(0.5)
    engine.session.hears_interruption()
    await stage.passes(3)
    assert stage.turns()[-1] == ("agent", "Goodbye and thank you.")
    assert stage.ended is not None
    assert stage.ended[0].ended_by == "agent"


# -- tools


async def test_an_engine_goes_on_by_itself_with_a_tools_result(stage_for: StageFor) -> None:
    done = asyncio.Event()
    engine = LeadingEngine(Spoken("Let me see.", tool_calls=(ToolCall("1", "look_up", "{}"),)), "She is here.")
    stage = stage_for(engine, tools=(looking_up(done),))
    await stage.start()
    await asks(stage, engine, "is Ada there")
    await stage.passes(4)
    assert engine.session.said == [], "words of ours would end its turn"
    done.set()
    await stage.passes(4)
    assert engine.session.results == [("1", "found")]
    assert stage.turns() == [("caller", "is Ada there"), ("agent", "Let me see. She is here.")]
    assert stage.happened(ToolCalled)


async def test_a_result_that_comes_after_an_interruption_is_talked_about_all_the_same(stage_for: StageFor) -> None:
    done = asyncio.Event()
    engine = LeadingEngine(
        Spoken(TEN_WORDS, tool_calls=(ToolCall("1", "look_up", "{}"),)), "One moment.", "It is booked."
    )
    stage = stage_for(engine, tools=(looking_up(done, side_effects=True),))
    await stage.start()
    await asks(stage, engine, "book it")
    await stage.passes(1)
    await asks(stage, engine, "hello?")
    await stage.passes(2)
    done.set()
    await stage.passes(3)
    assert [text for role, text in stage.turns() if role == "agent"] == [
        "one two",
        "One moment.",
        "It is booked.",
    ]


# -- words


async def test_what_must_not_be_said_is_not_heard(stage_for: StageFor) -> None:
    engine = LeadingEngine("That is a good question. You should take aspirin for that. Anything else?")
    rules = (guardrail("medicine", ["aspirin"], replacement="I cannot advise on that."),)
    stage = stage_for(engine, guardrails=rules)
    await stage.start()
    await asks(stage, engine, "my head aches")
    await stage.passes(12)
    assert engine.session.said == ["I cannot advise on that."]
    assert "aspirin" not in stage.turns()[-1][1]


async def test_words_that_are_broken_off_before_they_are_heard_are_asked_for_again(stage_for: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS)
    engine.stalls_words = True
    stage = stage_for(engine)
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


async def test_words_that_a_transfer_cuts_short_are_not_asked_for_again(stage_for: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    engine.stalls_words = True
    stage = stage_for(engine, first_message="Hello!")
    await stage.start()

    async def transfer() -> None:
        pass

    await stage.talk.give_away(transfer)
    await stage.passes(2)
    assert engine.session.said == ["Hello!"]
    assert not stage.happened(Problem)


async def test_words_to_bridge_a_wait_that_cannot_be_said_are_a_problem_once(stage_for: StageFor) -> None:
    done = asyncio.Event()
    calls = (ToolCall("1", "look_up", "{}"),)
    engine = LeadingEngine(Spoken("Let me see.", tool_calls=calls), "She is here.")
    stage = stage_for(engine, tools=(looking_up(done),), filler_message="One moment.")
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
    addition: str | Spoken, stage_for: StageFor
) -> None:
    engine = LeadingEngine(Spoken(TEN_WORDS), addition, "Thank you.")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "count")
    await stage.passes(1)
    engine.session.speaks_up()
    await stage.settle()
    stage.talk.press("1")
    await stage.passes(5)
    assert engine.session.told == ["[pressed 1]"]
    assert stage.turns()[1:] == [("agent", "one two"), ("caller", "[pressed 1]"), ("agent", "Thank you.")]


# -- losses


async def test_a_lost_session_is_opened_again_with_what_was_said(stage_for: StageFor) -> None:
    engine = LeadingEngine("At what time?", "Very well.")
    stage = stage_for(engine, first_message="")
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


async def test_a_turn_whose_answer_was_lost_is_asked_about_again(stage_for: StageFor) -> None:
    engine = LeadingEngine("At what time?")
    stage = stage_for(engine)
    await stage.start()
    engine.session.takes_turn("a table", silently=True)
    await stage.settle()
    engine.session.lose()
    await stage.passes(0.1)
    assert engine.session.config.history == [Message("user", "a table")]
    assert engine.session.asked == 1


async def test_a_turn_that_was_lost_as_it_was_taken_is_told_to_the_next_session(stage_for: StageFor) -> None:
    engine = LeadingEngine(Spoken("At what time?", drop_after=0), "At what time?")
    stage = stage_for(engine)
    await stage.start()
    await asks(stage, engine, "a table")
    await stage.passes(3)
    assert engine.session.told == ["a table"]
    assert stage.turns() == [("caller", "a table"), ("agent", "At what time?")]


async def test_without_an_engine_the_call_ends(stage_for: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_for(engine)
    await stage.start()
    engine.refuses = ProviderError("It is gone.", retryable=True)
    engine.session.lose()
    await stage.passes(1)
    assert stage.ended is not None
    assert stage.ended[0].ended_by == "engine"
