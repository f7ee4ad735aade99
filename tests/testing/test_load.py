from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from getpatter.errors import CarrierError
from getpatter.testing.clips import load_clip
from getpatter.testing.load import SPEECH, LoadPlan, Spread, run_load

if TYPE_CHECKING:
    from tests.testing.conftest import AgentLine, FakeEngine

WORDS = b"\x10" * 1600


async def answers_everything(line: AgentLine) -> None:
    """Answer a fifth of a second of loud frames with as much; words are told from noise by their loudness."""
    while not line.closed:
        begun = len(line.heard)
        await line.until(lambda: line.heard[begun:].count(0x10) >= len(WORDS))  # noqa: B023  # used at once
        if not line.closed:
            await line.send(line.codec.play(WORDS))


async def test_callers_talk_and_their_turns_are_counted(engine: FakeEngine) -> None:
    engine.agent = answers_everything
    before = asyncio.all_tasks()
    # With this seed both speak after less than 0.7 s.
    plan = LoadPlan(engine.stream_url, 2, seconds=2.0, ramp_s=0.05, interrupt_every=0, utterances=[WORDS], seed=34)
    result = await run_load(plan)
    assert (result.callers, result.lost_sockets, result.faults) == (2, 0, 0)
    assert result.turns >= 2
    assert result.response_ms.count >= 1
    assert result.lateness_ms.count > 0
    assert not {task for task in asyncio.all_tasks() - before if "load" in task.get_name()}


async def test_callers_that_the_engine_drops_are_counted(engine: FakeEngine) -> None:
    async def drops_the_second(line: AgentLine) -> None:
        if len(engine.lines) == 1:
            await line.to_the_end()

    engine.agent = drops_the_second
    result = await run_load(LoadPlan(engine.stream_url, callers=2, seconds=0.2, ramp_s=0.1))
    assert result.lost_sockets == 1


async def test_an_engine_that_takes_nobody_is_an_error(engine: FakeEngine) -> None:
    engine.accept = False
    with pytest.raises(CarrierError, match="403"):
        await run_load(LoadPlan(engine.stream_url, callers=2, seconds=0.1, ramp_s=0.0))


def test_the_speech_of_callers_is_there() -> None:
    assert all(load_clip(voice, text) for voice, text in SPEECH)


def test_percentiles_are_ranks() -> None:
    assert Spread.of([]) == Spread(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert Spread.of([5.0]) == Spread(1, 5.0, 5.0, 5.0, 5.0, 5.0)
    assert Spread.of(range(100, 0, -1)) == Spread(100, 51, 96, 100, 100, mean=50.5)


async def test_a_window_is_open_while_it_is_measured(engine: FakeEngine) -> None:
    seen: list[tuple[str, int]] = []

    class Window:
        async def __aenter__(self) -> None:
            seen.append(("opened", len(engine.lines)))

        async def __aexit__(self, *_: object) -> None:
            seen.append(("closed", sum(not line.closed for line in engine.lines)))

    async def listens(line: AgentLine) -> None:
        await line.to_the_end()

    engine.agent = listens
    await run_load(LoadPlan(engine.stream_url, callers=2, seconds=0.1, ramp_s=0.05), Window())
    assert seen == [("opened", 2), ("closed", 2)]
