"""What becomes of a call when its engine's session is lost, or moves: seen from the stage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from getpatter.agent import Agent
from getpatter.conversation.engine_sessions import STEADY_S, EngineSessions
from getpatter.engines.base import EngineConfig
from getpatter.events import Problem, ProviderUsed
from getpatter.metering import LOCAL, Product, Used
from getpatter.testing.clock import ManualClock
from getpatter.testing.stage import Stage
from getpatter.testing.told_engine import ToldEngine, ToldSession


@pytest.fixture
async def stage_of() -> AsyncIterator[Callable[[ToldEngine], Stage]]:
    stages: list[Stage] = []

    def make(engine: ToldEngine) -> Stage:
        stages.append(Stage(Agent(system_prompt="You book tables.", engine=engine)))
        return stages[-1]

    yield make
    for stage in stages:
        await stage.talk.close()
        stage.pacer.close()


StageOf = Callable[[ToldEngine], Stage]


async def speaks(stage: Stage) -> None:
    await stage.begins_to_speak()
    for _ in range(50):
        stage.talk.hear(b"\x40" * 160)
    await stage.stops_speaking()


async def test_a_session_that_is_lost_while_nobody_speaks_is_opened_again_without_a_word(stage_of: StageOf) -> None:
    engine = ToldEngine("Yes.")
    stage = stage_of(engine)
    await stage.start()
    for _ in range(4):
        await stage.passes(STEADY_S + 0.1)
        engine.sessions[-1].lose()
        await stage.settle()
    assert len(engine.sessions) == 5
    await speaks(stage)
    await stage.passes(2)
    assert ("agent", "Yes.") in stage.turns()
    assert not stage.happened(Problem)


async def test_sessions_that_break_at_once_are_given_up(stage_of: StageOf) -> None:
    engine = ToldEngine("Yes.")
    stage = stage_of(engine)
    await stage.start()
    for _ in range(2):
        engine.sessions[-1].lose()
        await stage.settle()
    await stage.passes(1)
    assert len(engine.sessions) == 2
    assert stage.happened(Problem)


async def test_a_session_that_is_lost_in_the_talk_is_told(stage_of: StageOf) -> None:
    engine = ToldEngine("Yes.")
    stage = stage_of(engine)
    await stage.start()
    await speaks(stage)
    await stage.passes(2)
    engine.sessions[-1].lose()
    await stage.settle()
    [problem] = [event for event in stage.events if isinstance(event, Problem)]
    assert "connected again" in problem.message


async def test_an_engine_that_counts_nothing_runs_on_this_machine(stage_of: StageOf) -> None:
    stage = stage_of(ToldEngine("Yes."))
    await stage.start()
    await stage.talk.close()
    await stage.talk.close()
    [used] = [event for event in stage.events if isinstance(event, ProviderUsed)]
    assert (used.kind, used.used.product) == ("engine", LOCAL)


class Counting(ToldSession):
    """Takes for ever to close, and counts meanwhile."""

    used = (Used(Product("told engine"), seconds=2.0),)

    async def close(self) -> None:
        await asyncio.Event().wait()


class CountingEngine(ToldEngine):
    async def open(self, config: EngineConfig) -> ToldSession:
        return Counting(self, config)


async def test_what_a_session_used_is_known_though_nobody_waits_for_its_close_any_more() -> None:
    sessions = EngineSessions(CountingEngine("Yes."), ManualClock())
    await sessions.open(EngineConfig("You book tables.", (), "en", ()))
    letting_go = asyncio.create_task(sessions.let_go())
    await asyncio.sleep(0)
    letting_go.cancel()
    await asyncio.wait([letting_go])
    assert sessions.used == Counting.used
