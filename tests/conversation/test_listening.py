from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import numpy as np
import pytest

from getpatter.audio.vad import MAX_BATCH, STATE, WINDOW, Floats, Inference, VoiceActivityModel
from getpatter.conversation.listening import TICK_S, Listening
from getpatter.testing.clock import ManualClock

A_WINDOW = b"\x0f" * WINDOW
"""Loud enough to be judged."""


class FakeModel:
    """Says 0.5 to everything.  Run number `hold` (from 1) sets `holding` and waits for `go`."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.faults: list[Exception] = []
        self.hold = 0
        self.holding = asyncio.Event()
        self.go = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._running = threading.Lock()

    def infer(self, samples: Floats, state: Floats) -> Inference:
        assert self._running.acquire(blocking=False), "two batches at once"
        try:
            self.batches.append(len(samples))
            self.threads.add(threading.current_thread().name)
            if len(self.batches) == self.hold:
                self._loop.call_soon_threadsafe(self.holding.set)
                assert self.go.wait(30)
            if self.faults:
                raise self.faults.pop(0)
            return Inference(np.full(len(samples), 0.5, np.float32), np.zeros((2, len(samples), STATE), np.float32))
        finally:
            self._running.release()


class Heard:
    """Probabilities as they come, and a wait for a number of them."""

    def __init__(self) -> None:
        self.probabilities: list[float] = []
        self._more = asyncio.Event()

    def __call__(self, probability: float) -> None:
        self.probabilities.append(probability)
        self._more.set()

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.probabilities) < count:
                self._more.clear()
                await self._more.wait()


@pytest.fixture
async def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def listening(model: FakeModel, clock: ManualClock) -> AsyncIterator[Listening]:
    service = Listening(model, clock)
    service.start()
    yield service
    model.go.set()
    await service.stop()


async def settle() -> None:
    """Let everything run that can run now."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_window_is_heard_with_the_next_tick(listening: Listening, clock: ManualClock) -> None:
    heard = Heard()
    stream = listening.open(heard)
    await settle()
    stream.feed(A_WINDOW)
    await settle()
    assert heard.probabilities == []
    clock.advance(TICK_S)
    await heard.wait(1)
    assert heard.probabilities == [0.5]
    assert listening.window_s == 0.032


async def test_the_real_model_on_the_real_clock() -> None:
    heard = Heard()
    service = Listening(VoiceActivityModel())
    service.start()
    service.open(heard).feed(A_WINDOW * 20)
    await heard.wait(20)
    await service.stop()
    assert max(heard.probabilities) < 0.2


async def test_all_that_is_ready_runs_back_to_back(listening: Listening, model: FakeModel, clock: ManualClock) -> None:
    ears = [Heard() for _ in range(MAX_BATCH + 10)]
    for ear in ears:
        listening.open(ear).feed(A_WINDOW * 2)
    clock.advance(TICK_S)
    for ear in ears:
        await ear.wait(2)
    assert model.batches == [64, 64, 10, 10], "each batch by first and second windows"
    assert len(model.threads) == 1
    assert threading.current_thread().name not in model.threads


async def test_the_loop_runs_on_while_the_model_thinks(
    listening: Listening, model: FakeModel, clock: ManualClock
) -> None:
    model.hold = 1
    heard = Heard()
    stream = listening.open(heard)
    stream.feed(A_WINDOW)
    clock.advance(TICK_S)
    await model.holding.wait()
    for _ in range(5):  # ticks that come meanwhile start no second run
        clock.advance(TICK_S)
        stream.feed(A_WINDOW)
        await settle()
    assert model.batches == [1]
    model.go.set()
    await heard.wait(6)


async def test_no_tick_while_no_stream_is_open(listening: Listening, clock: ManualClock) -> None:
    await settle()
    assert clock.next_timer is None
    stream = listening.open(Heard())
    await settle()
    assert clock.next_timer == pytest.approx(TICK_S)
    stream.close()
    clock.advance(TICK_S)
    await settle()
    assert clock.next_timer is None
    listening.open(Heard())
    await settle()
    assert clock.next_timer is not None


async def test_a_failing_model_is_told_once_and_tried_again(
    listening: Listening, model: FakeModel, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    model.faults = [RuntimeError("out of memory"), RuntimeError("out of memory")]
    model.hold = 3
    heard = Heard()
    stream = listening.open(heard)
    for run in range(1, 4):
        stream.feed(A_WINDOW)
        clock.advance(TICK_S)
        async with asyncio.timeout(30):
            while len(model.batches) < run or (run < 3 and stream._queued):  # noqa: ASYNC110 -- a thread at work
                await asyncio.sleep(0)
    assert listening.failing
    model.go.set()
    await heard.wait(1)
    await settle()
    assert not listening.failing
    assert [(record.levelname, record.exc_info is not None) for record in caplog.records] == [
        ("ERROR", True),
        ("WARNING", False),
    ]


async def test_stop_waits_for_the_run_in_flight_and_leaves_nothing(model: FakeModel, clock: ManualClock) -> None:
    model.hold = 1
    service = Listening(model, clock)
    service.start()
    service.start()
    heard = Heard()
    stream = service.open(heard)
    stream.feed(A_WINDOW)
    clock.advance(TICK_S)
    await model.holding.wait()
    stream.feed(A_WINDOW * 2)
    stopping = asyncio.create_task(service.stop())
    await settle()
    assert not stopping.done()
    model.go.set()
    await stopping
    await service.stop()
    assert model.batches == [1]
    assert clock.next_timer is None
    assert not any(thread.name == "listening" for thread in threading.enumerate())
    stream.feed(A_WINDOW)
    stream.close()


async def test_it_can_start_again(listening: Listening, clock: ManualClock) -> None:
    heard = Heard()
    stream = listening.open(heard)
    await listening.stop()
    stream.feed(A_WINDOW * 2)
    listening.start()
    await heard.wait(2)


async def test_streams_opened_before_the_start_are_heard(model: FakeModel, clock: ManualClock) -> None:
    service = Listening(model, clock)
    heard = Heard()
    service.open(heard).feed(A_WINDOW)
    service.start()
    await heard.wait(1)
    await service.stop()
