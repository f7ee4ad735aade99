"""Whole calls on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from getpatter.agent import Agent
from getpatter.testing.clock import ManualClock
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.stage import Stage


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
