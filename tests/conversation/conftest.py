"""Whole calls on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from getpatter.agent import Agent
from getpatter.testing.clock import ManualClock
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.stage import Stage
from getpatter.testing.told_engine import ToldEngine
from getpatter.testing.told_leader import LeadingEngine


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def call_of(clock: ManualClock) -> AsyncIterator[Callable[..., Stage]]:
    """Makes calls of an agent with these fields, and afterwards sees to it that nothing of them is left."""
    stages: list[Stage] = []

    def make(*, outbound: bool = False, **fields: Any) -> Stage:
        parts: dict[str, Any] = {"llm": AnsweringLLM("Yes."), "stt": TellableSTT(), "tts": CountingTTS()} | fields
        stages.append(Stage(Agent(system_prompt="You book tables.", **parts), outbound=outbound, clock=clock))
        return stages[-1]

    yield make
    for stage in stages:
        await stage.talk.close()
        stage.pacer.close()
        assert all(voice.closed for voice in stage.voices)
    assert clock.next_timer is None, "a timer was left behind"
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


@pytest.fixture
def stt() -> TellableSTT:
    return TellableSTT(["a table for two", "at seven", "thank you"])


@pytest.fixture
def tts() -> CountingTTS:
    return CountingTTS()


@pytest.fixture
async def stage_for(stt: TellableSTT, tts: CountingTTS) -> AsyncIterator[Callable[..., Stage]]:
    """Makes stages, and afterwards sees to it that nothing of them is left running."""
    stages: list[Stage] = []

    def make(llm: AnsweringLLM, **changes: object) -> Stage:
        agent = Agent(system_prompt="You book tables.", llm=llm, stt=stt, tts=tts)
        stages.append(Stage(replace(agent, **changes)))  # type: ignore[arg-type]  # fields by name
        return stages[-1]

    yield make
    for stage in stages:
        await stage.talk.close()
        await stage.talk.close()
        stage.pacer.close()
        assert all(voice.closed for voice in stage.voices)
    assert all(recognition.closed for recognition in stt.opened)
    assert all(voice.closed for voice in tts.opened)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


@pytest.fixture
async def stage_of() -> AsyncIterator[Callable[..., Stage]]:
    """The same for agents that are one engine."""
    stages: list[Stage] = []
    engines: list[ToldEngine | LeadingEngine] = []

    def make(engine: ToldEngine | LeadingEngine, **changes: Any) -> Stage:
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
