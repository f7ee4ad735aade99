"""Whole talks through an engine that decides by itself when to speak, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from getpatter.agent import Agent, TurnSettings
from getpatter.barge_in import BargeInSettings
from getpatter.events import BargeIn, EndOfTurn, FalseInterruption, Problem, ToolCalled
from getpatter.llm.base import ToolCall
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.told_leader import LeadingEngine
from tests.conversation.led_calls import SILENCE, TEN_WORDS, StageFor, asks, looking_up, speaks

# -- turns


async def test_a_turn_is_over_when_the_engine_takes_it(stage_of: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(1.5)
    assert not stage.played, "silence ends no turn"
    engine.session.takes_turn("a table for two")
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table for two"), ("agent", "At what time, please?")]
    assert len(stage.played) == pytest.approx(4 * 0.4 * 8000, abs=160)


async def test_a_turn_may_be_taken_before_our_own_ears_have_heard_its_end(stage_of: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_of(engine)
    await stage.start()
    await stage.begins_to_speak()
    engine.session.takes_turn("a table for two")
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table for two"), ("agent", "At what time, please?")]


async def test_a_voice_too_soft_for_our_own_ears_is_answered(stage_of: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_of(engine)
    await stage.start()
    engine.session.takes_turn("hello")
    await stage.passes(2)
    assert stage.turns() == [("caller", "hello"), ("agent", "Yes.")]


async def test_a_turn_may_be_answered_before_its_words_are_known(stage_of: StageFor) -> None:
    engine = LeadingEngine("At what time, please?")
    stage = stage_of(engine)
    await stage.start()
    await asks(stage, engine, "")
    await stage.passes(0.5)
    engine.session.understands_late("a table for two")
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table for two"), ("agent", "At what time, please?")]


async def test_what_comes_before_the_reply_is_begun_is_not_lost(stage_of: StageFor) -> None:
    engine = LeadingEngine("Yes, of course.")
    stage = stage_of(engine, hooks=replace(Agent(system_prompt="", engine=engine).hooks, after_transcribe=_slowly))
    await stage.start()
    await asks(stage, engine, "can you")
    await stage.passes(3)
    assert stage.turns()[-1] == ("agent", "Yes, of course.")
    assert len(stage.played) == pytest.approx(3 * 0.4 * 8000, abs=160)


async def _slowly(text: str, context: object) -> str:
    for _ in range(10):
        await asyncio.sleep(0)
    return text


async def test_a_caller_who_goes_on_before_the_answer_is_answered_once(stage_of: StageFor) -> None:
    engine = LeadingEngine("Very well.")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("a table", silently=True)
    await stage.settle()
    await speaks(stage)
    engine.session.takes_turn("for two")
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table"), ("caller", "for two"), ("agent", "Very well.")]


async def test_the_engine_hears_the_silence_too(stage_of: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_of(engine)
    await stage.start()
    for _ in range(50):
        stage.talk.hear(SILENCE)
    assert len(engine.session.heard) == 8000


async def test_the_first_message_is_the_first_thing_that_is_asked_for(stage_of: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_of(engine, first_message="Good morning.")
    await stage.start()
    await stage.passes(2)
    assert engine.session.config.greets
    assert engine.session.said == ["Good morning."]
    assert stage.turns() == [("agent", "Good morning.")]


async def test_keys_are_a_turn_that_is_asked_for(stage_of: StageFor) -> None:
    engine = LeadingEngine("Thank you.")
    stage = stage_of(engine)
    await stage.start()
    for digit in "12":
        stage.talk.press(digit)
    await stage.passes(4)
    assert engine.session.told == ["[pressed 1 2]"]
    assert stage.turns() == [("caller", "[pressed 1 2]"), ("agent", "Thank you.")]


async def test_keys_that_are_being_pressed_when_the_engine_answers_are_answered_after_it(
    stage_of: StageFor,
) -> None:
    engine = LeadingEngine("Yes.", "Thank you.")
    stage = stage_of(engine)
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


async def test_an_engine_that_chooses_to_say_nothing_is_let(stage_of: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    engine.session.takes_turn("hm", silently=True)
    await stage.passes(11)
    assert stage.ended is None
    assert not stage.happened(Problem)
    await asks(stage, engine, "are you there")
    await stage.passes(3)
    assert stage.last_turn().text == "Yes."


async def test_a_silent_line_is_asked_and_hung_up_as_ever(stage_of: StageFor) -> None:
    engine = LeadingEngine("Yes.")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)  # a cough, of which the engine makes nothing
    await stage.passes(40)
    assert engine.session.said[0] == "Are you still there?"
    assert stage.ended is not None
    assert stage.ended[0].reason == "nobody spoke"


# -- what nobody asked for


async def test_an_engine_may_speak_up(stage_of: StageFor) -> None:
    engine = LeadingEngine("Shall we go on?")
    stage = stage_of(engine)
    await stage.start()
    engine.session.speaks_up()
    await stage.passes(3)
    assert stage.turns() == [("agent", "Shall we go on?")]
    assert not stage.happened(EndOfTurn), "nobody's turn has ended"


async def test_what_the_engine_adds_follows_what_it_says(stage_of: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS, "And eleven.")
    stage = stage_of(engine)
    await stage.start()
    await asks(stage, engine, "count")
    await stage.passes(1)
    engine.session.speaks_up()
    await stage.passes(7)
    assert stage.turns() == [("caller", "count"), ("agent", TEN_WORDS), ("agent", "And eleven.")]
    assert len(stage.played) == pytest.approx(12 * 0.4 * 8000, abs=320)


async def test_what_it_would_have_added_falls_to_an_interruption(stage_of: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS, "And eleven.", "Very well.")
    stage = stage_of(engine)
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


async def test_an_interruption_that_the_engine_decides_cuts_the_sound(stage_of: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS, "Go on.")
    stage = stage_of(engine)
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


async def test_words_whose_sound_never_came_were_not_heard(stage_of: StageFor) -> None:
    engine = LeadingEngine(Spoken(TEN_WORDS, stall_after=5), "Go on.")
    stage = stage_of(engine)
    await stage.start()
    await asks(stage, engine, "tell me")
    await stage.passes(2)
    engine.session.hears_interruption()
    await stage.passes(0.5)
    heard = stage.turns()[-1][1].split()
    assert len(stage.played) == pytest.approx(8000, abs=320)
    assert heard == TEN_WORDS.split()[: len(heard)]
    assert len(heard) <= 3, "a second holds some fourteen characters"


async def test_a_turn_that_is_taken_over_the_agent_takes_the_place_of_what_it_says(stage_of: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS, "Go on.")
    stage = stage_of(engine)
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


async def test_our_own_ears_pause_the_sound_at_once(stage_of: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS, "Go on.")
    stage = stage_of(engine)
    await stage.start()
    await asks(stage, engine, "tell me")
    await stage.passes(2)
    await stage.begins_to_speak()
    assert stage.clears == 1
    await stage.stops_speaking()
    engine.session.takes_turn("stop that")
    await stage.passes(3)
    assert stage.last_turn().text == "Go on."


async def test_a_cough_of_which_the_engine_makes_nothing_is_none(stage_of: StageFor) -> None:
    engine = LeadingEngine(TEN_WORDS)
    stage = stage_of(engine)
    await stage.start()
    await asks(stage, engine, "tell me")
    await stage.passes(1.5)
    await speaks(stage, 0.2)
    await stage.passes(7)
    assert stage.happened(FalseInterruption)
    assert stage.turns() == [("caller", "tell me"), ("agent", TEN_WORDS)]


async def test_an_interruption_that_we_decide_breaks_the_response_off(stage_of: StageFor) -> None:
    engine = LeadingEngine(Spoken(TEN_WORDS, stall_after=10), "Go on.")
    stage = stage_of(engine, turns=TurnSettings(while_speaking=BargeInSettings(mode="cancel")))
    await stage.start()
    await asks(stage, engine, "tell me")
    await stage.passes(1)
    await stage.begins_to_speak()
    assert engine.session.cancelled == 1
    await stage.stops_speaking()
    engine.session.takes_turn("stop that")
    await stage.passes(3)
    assert stage.last_turn().text == "Go on."


async def test_a_goodbye_is_heard_to_its_end(stage_of: StageFor) -> None:
    engine = LeadingEngine(Spoken("Goodbye and thank you.", tool_calls=(ToolCall("1", "end_call", "{}"),)), "Hello?")
    stage = stage_of(engine)
    await stage.start()
    await asks(stage, engine, "bye")
    await stage.passes(0.5)
    engine.session.hears_interruption()
    await stage.passes(3)
    assert stage.turns()[-1] == ("agent", "Goodbye and thank you.")
    assert stage.ended is not None
    assert stage.ended[0].ended_by == "agent"


# -- tools


async def test_an_engine_goes_on_by_itself_with_a_tools_result(stage_of: StageFor) -> None:
    done = asyncio.Event()
    engine = LeadingEngine(Spoken("Let me see.", tool_calls=(ToolCall("1", "look_up", "{}"),)), "She is here.")
    stage = stage_of(engine, tools=(looking_up(done),))
    await stage.start()
    await asks(stage, engine, "is Ada there")
    await stage.passes(4)
    assert engine.session.said == [], "words of ours would end its turn"
    done.set()
    await stage.passes(4)
    assert engine.session.results == [("1", "found")]
    assert stage.turns() == [("caller", "is Ada there"), ("agent", "Let me see. She is here.")]
    assert stage.happened(ToolCalled)


async def test_a_result_that_comes_after_an_interruption_is_talked_about_all_the_same(
    stage_of: StageFor,
) -> None:
    done = asyncio.Event()
    engine = LeadingEngine(
        Spoken(TEN_WORDS, tool_calls=(ToolCall("1", "look_up", "{}"),)), "One moment.", "It is booked."
    )
    stage = stage_of(engine, tools=(looking_up(done, side_effects=True),))
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
