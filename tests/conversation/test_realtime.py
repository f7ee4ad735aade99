"""Whole talks through a speech-to-speech engine, on a clock that the test moves."""

from __future__ import annotations

import asyncio

import pytest

from getpatter.agent import Agent, TurnSettings
from getpatter.barge_in import BargeInSettings
from getpatter.engines.base import EngineConfig
from getpatter.errors import ProviderError
from getpatter.events import BargeIn, CallEnding, FalseInterruption, HandedOver, Problem, ToolCalled
from getpatter.guardrails import guardrail
from getpatter.hooks import PipelineHooks
from getpatter.llm.base import Message, ToolCall
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.told_engine import ToldEngine, ToldSession
from getpatter.tools.tool import Tool, tool
from tests.conversation.led_calls import TEN_WORDS, StageFor, speaks


def look_up(done: asyncio.Event, *, side_effects: bool = False, reassurance: str = "") -> Tool:
    async def find() -> str:
        await done.wait()
        return "found"

    return tool(
        handler=find, name="look_up", description="Finds somebody.", side_effects=side_effects, reassurance=reassurance
    )


# -- turns


async def test_a_turn_is_answered_without_waiting_for_its_words(stage_of: StageFor) -> None:
    engine = ToldEngine("At what time, please?", words=["a table for two"])
    engine.understands = False
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    session = engine.sessions[0]
    assert (len(session.commits), session.asked) == (1, 1)
    await stage.passes(0.5)
    assert stage.played
    session.understand()
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table for two"), ("agent", "At what time, please?")]
    assert session.asked == 1
    assert len(stage.played) == pytest.approx(4 * 0.4 * 8000, abs=160)


async def test_words_that_come_after_the_answer_was_heard_are_not_answered_again(stage_of: StageFor) -> None:
    engine = ToldEngine("Yes.", words=["are you open"])
    engine.understands = False
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(3)
    engine.sessions[0].understand()
    await stage.passes(3)
    assert engine.sessions[0].asked == 1
    assert sorted(stage.turns()) == [("agent", "Yes."), ("caller", "are you open")]


async def test_the_engine_hears_what_is_said_and_not_the_silence_between(stage_of: StageFor) -> None:
    engine = ToldEngine("Yes.")
    stage = stage_of(engine)
    await stage.start()
    for _ in range(500):
        stage.talk.hear(b"\xff" * 160)
    await speaks(stage, 1.0)
    [heard] = engine.sessions[0].commits
    assert 1.0 * 8000 <= len(heard) <= 1.5 * 8000


async def test_the_session_is_the_calls_own_from_its_first_message_on(stage_of: StageFor) -> None:
    engine = ToldEngine("Yes.")
    stage = stage_of(
        engine, system_prompt="You are {who}.", variables={"who": "Ada"}, tools=(look_up(asyncio.Event()),)
    )
    await stage.start()
    config = engine.sessions[0].config
    assert config.instructions == "You are Ada."
    assert {"look_up", "end_call"} <= {spec.name for spec in config.tools}


async def test_the_first_message_is_said_by_the_engine(stage_of: StageFor) -> None:
    engine = ToldEngine("Yes.")
    stage = stage_of(engine, first_message="Good morning. This is a test.")
    await stage.start()
    await stage.passes(4)
    assert engine.sessions[0].said == ["Good morning. This is a test."]
    assert stage.turns() == [("agent", "Good morning. This is a test.")]
    assert engine.sessions[0].asked == 0


async def test_keys_are_told_in_words(stage_of: StageFor) -> None:
    engine = ToldEngine("Thank you.", words=["my number is"])
    stage = stage_of(engine)
    await stage.start()
    for digit in "12":
        stage.talk.press(digit)
    await stage.passes(2)
    assert engine.sessions[0].told == ["[pressed 1 2]"]
    assert engine.sessions[0].asked == 1
    await stage.passes(3)
    await speaks(stage)
    assert engine.sessions[0].told == ["[pressed 1 2]"]


# -- interruptions


async def test_an_interruption_clears_the_line_and_tells_the_engine_what_was_heard(stage_of: StageFor) -> None:
    engine = ToldEngine(TEN_WORDS, "Go on.", words=["tell me", "stop that"])
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(2.0)
    await speaks(stage)
    await stage.passes(3)
    assert stage.clears == 1
    assert stage.happened(BargeIn)
    [(item, heard_ms)] = engine.sessions[0].truncated
    assert item == "item_1"
    assert 1800 <= heard_ms <= 2400
    assert [turn for turn in stage.turns() if turn[0] == "agent"] == [
        ("agent", "one two three four five"),
        ("agent", "Go on."),
    ]


async def test_a_response_that_is_still_coming_is_cancelled(stage_of: StageFor) -> None:
    engine = ToldEngine(Spoken(TEN_WORDS, stall_after=10), "Go on.", words=["tell me", "stop that"])
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(1.0)
    await speaks(stage)
    await stage.passes(3)
    assert engine.sessions[0].cancelled == 1
    assert stage.last_turn().text == "Go on."


async def test_an_answer_heard_to_its_end_is_not_cut(stage_of: StageFor) -> None:
    engine = ToldEngine("Yes, of course.")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(4)
    assert engine.sessions[0].truncated == []
    assert engine.sessions[0].cancelled == 0


async def test_a_sound_without_words_pauses_the_agent_and_no_more(stage_of: StageFor) -> None:
    engine = ToldEngine(TEN_WORDS, words=["tell me", ""])
    pausing = BargeInSettings(mode="pause_resume")
    stage = stage_of(engine, turns=TurnSettings(while_speaking=pausing))
    await stage.start()
    await speaks(stage)
    await stage.passes(1.5)
    await speaks(stage)
    await stage.passes(6)
    assert stage.happened(FalseInterruption)
    assert stage.turns() == [("caller", "tell me"), ("agent", TEN_WORDS)]
    assert engine.sessions[0].asked == 1
    assert engine.sessions[0].truncated == []


# -- tools


async def test_a_slow_tool_is_no_dead_air(stage_of: StageFor) -> None:
    done = asyncio.Event()
    engine = ToldEngine(
        Spoken("Let me see.", tool_calls=(ToolCall("1", "look_up", "{}"),)), "She is here.", words=["is Ada there"]
    )
    stage = stage_of(engine, tools=(look_up(done, reassurance="I am still looking."),))
    await stage.start()
    await speaks(stage)
    await stage.passes(6)
    session = engine.sessions[0]
    assert session.said == ["I am still looking."]
    assert session.asked == 1
    done.set()
    await stage.passes(4)
    assert session.results == [("1", "found")]
    assert session.asked == 2
    assert stage.last_turn().text == "Let me see. I am still looking. She is here."
    assert stage.happened(ToolCalled)


async def test_a_tool_does_not_keep_the_caller_from_interrupting(stage_of: StageFor) -> None:
    engine = ToldEngine(
        Spoken(TEN_WORDS, tool_calls=(ToolCall("1", "look_up", "{}"),)),
        "Very well.",
        words=["is Ada there", "forget it"],
    )
    stage = stage_of(engine, tools=(look_up(asyncio.Event()),))
    await stage.start()
    await speaks(stage)
    await stage.passes(1.5)
    await speaks(stage)
    await stage.passes(3)
    session = engine.sessions[0]
    assert stage.last_turn().text == "Very well."
    assert len(session.truncated) == 1
    assert [call for call, result in session.results] == ["1"]
    assert "stopped" in session.results[0][1]


async def test_a_tool_that_changes_something_runs_to_its_end_and_is_told_later(stage_of: StageFor) -> None:
    done = asyncio.Event()
    engine = ToldEngine(
        Spoken(TEN_WORDS, tool_calls=(ToolCall("1", "look_up", "{}"),)), "Very well.", words=["book it", "and wine"]
    )
    stage = stage_of(engine, tools=(look_up(done, side_effects=True),))
    await stage.start()
    await speaks(stage)
    await stage.passes(1.5)
    await speaks(stage)
    session = engine.sessions[0]
    assert session.results == []
    done.set()
    await stage.passes(3)
    assert session.results == [("1", "found")]
    assert stage.last_turn().text == "Very well."


async def test_the_agent_hangs_up_after_its_goodbye_was_heard(stage_of: StageFor) -> None:
    engine = ToldEngine(Spoken("Goodbye.", tool_calls=(ToolCall("1", "end_call", "{}"),)), words=["bye"])
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    assert stage.ended is None
    await stage.passes(3)
    assert stage.ended is not None
    assert stage.ended[0].ended_by == "agent"
    assert stage.turns()[-1] == ("agent", "Goodbye.")
    assert engine.sessions[0].asked == 1


async def test_another_agent_brings_its_own_prompt_and_tools(stage_of: StageFor) -> None:
    engine = ToldEngine(
        Spoken(tool_calls=(ToolCall("1", "handoff_to", '{"name": "cook"}'),)), "We have soup.", words=["what is there"]
    )
    cook = Agent(system_prompt="You cook.", engine=engine, name="cook", use_keys=False)
    stage = stage_of(engine, handoffs=(cook,))
    await stage.start()
    await speaks(stage)
    await stage.passes(3)
    [(instructions, tools)] = engine.sessions[0].configured
    assert instructions == "You cook."
    assert [spec.name for spec in tools] == ["end_call"]
    assert stage.happened(HandedOver)


# -- guardrails


async def test_what_must_not_be_said_is_not_heard(stage_of: StageFor) -> None:
    engine = ToldEngine("That is a good question. You should take aspirin for that. Anything else?")
    rules = (guardrail("medicine", ["aspirin"], replacement="I cannot advise on that."),)
    stage = stage_of(engine, guardrails=rules)
    await stage.start()
    await speaks(stage)
    await stage.passes(12)
    session = engine.sessions[0]
    assert session.said == ["I cannot advise on that."]
    said = stage.turns()[-1][1]
    assert "aspirin" not in said
    assert said.endswith("I cannot advise on that.")
    [(item, heard_ms)] = session.truncated
    assert (item, heard_ms <= 2000) == ("item_1", True)


async def test_guardrails_that_are_content_let_everything_be_heard(stage_of: StageFor) -> None:
    engine = ToldEngine("That is a good question. You should ask a doctor. Anything else?")
    stage = stage_of(engine, guardrails=(guardrail("medicine", ["aspirin"]),))
    await stage.start()
    await speaks(stage)
    await stage.passes(9)
    words = "That is a good question. You should ask a doctor. Anything else?"
    assert stage.turns()[-1] == ("agent", words)
    assert len(stage.played) == pytest.approx(12 * 0.4 * 8000, abs=160)


# -- losses


async def test_a_lost_session_is_opened_again_with_what_was_said(stage_of: StageFor) -> None:
    engine = ToldEngine("At what time?", "Very well.", words=["a table", "at seven"])
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(3)
    engine.sessions[0].lose()
    await stage.passes(0.1)
    assert len(engine.sessions) == 2
    assert engine.sessions[1].config.history == [Message("user", "a table"), Message("assistant", "At what time?")]
    assert engine.sessions[1].commits == []
    await speaks(stage)
    await stage.passes(3)
    assert stage.last_turn().text == "Very well."
    assert stage.happened(Problem)


async def test_a_turn_whose_answer_was_lost_is_told_again_and_answered(stage_of: StageFor) -> None:
    engine = ToldEngine(Spoken("At what time?", drop_after=0), "At what time?", words=["a table"])
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(4)
    first, second = engine.sessions
    assert second.commits == first.commits
    assert second.config.history == []
    assert stage.turns() == [("caller", "a table"), ("agent", "At what time?")]


async def test_a_result_that_comes_while_a_session_is_opened_again_is_not_lost(stage_of: StageFor) -> None:
    found, reachable = asyncio.Event(), asyncio.Event()
    reachable.set()

    class FarEngine(ToldEngine):
        async def open(self, config: EngineConfig) -> ToldSession:
            await reachable.wait()
            return await super().open(config)

    async def find() -> str:
        """Finds somebody."""
        await found.wait()
        return "found"

    call = ToolCall("call_1", "find", "{}")
    engine = FarEngine(Spoken("Let me see.", tool_calls=(call,)), "She is here.", words=["is Ada there"])
    stage = stage_of(engine, tools=(tool(find),))
    await stage.start()
    await speaks(stage)
    await stage.passes(3)
    reachable.clear()
    engine.sessions[0].lose()
    await stage.settle()
    found.set()
    await stage.settle()
    reachable.set()
    await stage.passes(3)
    assert engine.sessions[1].results == [("call_1", "found")]
    assert stage.last_turn().text == "Let me see. She is here."


async def test_an_answer_that_breaks_off_is_heard_as_far_as_it_came(stage_of: StageFor) -> None:
    engine = ToldEngine(Spoken(TEN_WORDS, drop_after=10), "Go on.", words=["tell me", "yes"])
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(4)
    role, text = stage.turns()[-1]
    assert (role, text.startswith("one two three four")) == ("agent", True)
    await speaks(stage)
    await stage.passes(3)
    assert stage.last_turn().text == "Go on."
    assert stage.ended is None


async def test_without_an_engine_the_call_ends(stage_of: StageFor) -> None:
    engine = ToldEngine(Spoken("Yes.", drop_after=0))
    stage = stage_of(engine)
    await stage.start()
    engine.refuses = ProviderError("It is gone.", retryable=True)
    await speaks(stage)
    await stage.passes(1)
    assert stage.ended is not None
    farewell, error = stage.ended
    assert farewell.ended_by == "engine"
    assert error is not None


async def test_an_engine_that_is_lost_while_nobody_speaks_ends_the_call_too(stage_of: StageFor) -> None:
    engine = ToldEngine("Yes.")
    stage = stage_of(engine)
    await stage.start()
    engine.refuses = ProviderError("It is gone.", retryable=True)
    engine.sessions[0].lose()
    await stage.passes(1)
    assert stage.ended is not None
    assert stage.ended[0].ended_by == "engine"


async def test_an_engine_that_says_nothing_is_not_waited_for(stage_of: StageFor) -> None:
    engine = ToldEngine(Spoken("Yes.", stall_after=0), words=["hello"])
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(25)
    assert stage.happened(Problem)
    assert stage.happened(CallEnding)


class Slow(ToldEngine):
    """Has one session, and never another."""

    async def open(self, config: EngineConfig) -> ToldSession:
        if self.sessions:
            await asyncio.Event().wait()
        return await super().open(config)


async def test_a_session_that_is_not_opened_again_is_not_waited_for(stage_of: StageFor) -> None:
    engine = Slow("Yes.", words=["hello"])
    stage = stage_of(engine)
    await stage.start()
    engine.sessions[0].understand()
    await stage.settle()
    engine.sessions[0].lose()
    await stage.settle()
    await speaks(stage)
    await stage.passes(25)
    assert stage.happened(Problem)
    assert stage.happened(CallEnding)


async def test_words_that_a_hook_takes_away_are_not_asked_for_again(stage_of: StageFor) -> None:
    engine = ToldEngine("Yes.")
    stage = stage_of(engine, first_message="Hello!", hooks=PipelineHooks(after_synthesize=lambda pcm, context: None))
    await stage.start()
    await stage.passes(2)
    assert engine.sessions[0].said == ["Hello!"]
    assert not stage.happened(Problem)
