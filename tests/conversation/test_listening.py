from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from getpatter.audio.silero import Floats
from getpatter.audio.vad import MAX_BATCH, WINDOW, Inference, VoiceActivityModel
from getpatter.beat import BEAT_S, Beat, Stage
from getpatter.conversation.listening import MAX_BATCHES, Listening
from getpatter.testing.clock import ManualClock

A_WINDOW = b"\x0f" * WINDOW
"""Loud enough to be judged."""


class FakeModel:
    """Says 0.5 to everything."""

    def __init__(self) -> None:
        self.windows: list[int] = []
        self.faults: list[Exception] = []

    def infer(self, samples: Floats, state: Floats, steps: Sequence[int]) -> Inference:
        self.windows.append(len(samples))
        if self.faults:
            raise self.faults.pop(0)
        return Inference(np.full(len(samples), 0.5, np.float32), state)


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def listening(model: FakeModel, clock: ManualClock) -> AsyncIterator[Listening]:
    service = Listening(model, clock)
    service.start()
    yield service
    await service.stop()


async def test_a_window_is_heard_with_the_next_beat(listening: Listening, clock: ManualClock) -> None:
    heard: list[float] = []
    listening.open(heard.append).feed(A_WINDOW)
    assert heard == []
    clock.advance(BEAT_S)
    assert heard == [0.5]
    assert listening.window_s == 0.032


async def test_what_is_read_in_a_beat_is_judged_in_it(model: FakeModel, clock: ManualClock) -> None:
    beat = Beat(clock)
    listening = Listening(model, clock, beat)
    listening.start()
    heard: list[float] = []
    stream = listening.open(heard.append)
    beat.join(Stage.HEAR, lambda now: stream.feed(A_WINDOW))
    clock.advance(BEAT_S)
    assert heard == [0.5]


async def test_the_real_model_on_the_real_clock() -> None:
    heard: list[float] = []
    enough = asyncio.Event()

    def hear(probability: float) -> None:
        heard.append(probability)
        if len(heard) == 20:
            enough.set()

    service = Listening(VoiceActivityModel())
    service.start()
    service.open(hear).feed(A_WINDOW * 20)
    async with asyncio.timeout(30):
        await enough.wait()
    await service.stop()
    assert max(heard) < 0.2


async def test_all_that_is_ready_is_judged_in_one_beat(
    listening: Listening, model: FakeModel, clock: ManualClock
) -> None:
    heard: list[float] = []
    for _ in range(MAX_BATCH + 10):
        listening.open(heard.append).feed(A_WINDOW * 2)
    clock.advance(BEAT_S)
    assert model.windows == [2 * MAX_BATCH, 20]
    assert len(heard) == 2 * MAX_BATCH + 20


async def test_more_than_a_beat_has_time_for_waits_for_the_next(
    listening: Listening, model: FakeModel, clock: ManualClock
) -> None:
    heard: list[float] = []
    for _ in range(MAX_BATCHES * MAX_BATCH + 1):
        listening.open(heard.append).feed(A_WINDOW)
    clock.advance(BEAT_S)
    assert model.windows == [MAX_BATCH] * MAX_BATCHES
    clock.advance(BEAT_S)
    assert len(heard) == MAX_BATCHES * MAX_BATCH + 1


async def test_no_timer_while_no_stream_is_open(listening: Listening, clock: ManualClock) -> None:
    assert clock.next_timer is None
    stream = listening.open(lambda _: None)
    assert clock.next_timer == pytest.approx(BEAT_S)
    stream.close()
    clock.advance(BEAT_S)
    assert clock.next_timer is None
    listening.open(lambda _: None)
    assert clock.next_timer is not None


async def test_a_failing_model_is_told_once_and_tried_again(
    listening: Listening, model: FakeModel, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    model.faults = [RuntimeError("out of memory"), RuntimeError("out of memory")]
    heard: list[float] = []
    stream = listening.open(heard.append)
    for _ in range(2):
        stream.feed(A_WINDOW)
        clock.advance(BEAT_S)
        assert listening.failing
    stream.feed(A_WINDOW)
    clock.advance(BEAT_S)
    assert heard == [0.5]
    assert not listening.failing
    assert [(record.levelname, record.exc_info is not None) for record in caplog.records] == [
        ("ERROR", True),
        ("WARNING", False),
    ]


async def test_after_the_stop_streams_are_deaf_and_no_timer_is_left(
    listening: Listening, model: FakeModel, clock: ManualClock
) -> None:
    stream = listening.open(lambda _: None)
    listening.start()
    await listening.stop()
    await listening.stop()
    assert clock.next_timer is None
    stream.feed(A_WINDOW)
    clock.advance(1.0)
    assert model.windows == []
    stream.close()


async def test_it_can_start_again(listening: Listening, clock: ManualClock) -> None:
    heard: list[float] = []
    stream = listening.open(heard.append)
    await listening.stop()
    stream.feed(A_WINDOW * 2)
    listening.start()
    clock.advance(BEAT_S)
    assert heard == [0.5] * 2


async def test_streams_opened_before_the_start_are_heard(model: FakeModel, clock: ManualClock) -> None:
    service = Listening(model, clock)
    heard: list[float] = []
    service.open(heard.append).feed(A_WINDOW)
    service.start()
    clock.advance(BEAT_S)
    assert heard == [0.5]
    await service.stop()
