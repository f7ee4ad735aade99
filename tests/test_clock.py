from __future__ import annotations

import asyncio

import pytest

from getpatter.clock import Patience, SystemClock, deadline, sleep, stall_guard
from getpatter.testing.clock import ManualClock


async def test_a_wait_is_broken_off_at_its_deadline() -> None:
    clock = ManualClock()

    async def wait() -> None:
        async with deadline(clock, when=5.0):
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    clock.advance(4.9)
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(0.1)
    with pytest.raises(TimeoutError):
        await waiting


async def test_a_wait_that_ends_in_time_leaves_no_timer() -> None:
    clock = ManualClock()
    async with deadline(clock, when=5.0):
        assert clock.next_timer == 5.0
    assert clock.next_timer is None


async def test_a_deadline_that_is_past_breaks_off_the_first_wait() -> None:
    clock = SystemClock()
    with pytest.raises(TimeoutError):
        async with deadline(clock, when=clock.now() - 1.0):
            await asyncio.Event().wait()


async def test_being_cancelled_is_not_a_deadline() -> None:
    clock = ManualClock()

    async def wait() -> None:
        async with deadline(clock, when=5.0):
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert clock.next_timer is None


async def test_a_stream_that_shows_life_is_not_broken_off() -> None:
    clock = ManualClock()
    async with stall_guard(clock, 5.0) as alive:
        for _ in range(3):
            clock.advance(4.0)
            alive()
            await asyncio.sleep(0)
    assert clock.next_timer is None


async def test_a_stream_that_stalls_is_broken_off() -> None:
    clock = ManualClock()

    async def read() -> None:
        async with stall_guard(clock, 5.0) as alive:
            alive()
            await asyncio.Event().wait()

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    clock.advance(4.9)
    await asyncio.sleep(0)
    assert not reading.done()
    clock.advance(0.2)
    with pytest.raises(TimeoutError):
        await reading


async def test_sleep_takes_the_time_of_its_clock() -> None:
    clock = ManualClock()
    sleeping = asyncio.create_task(sleep(clock, 5.0))
    await asyncio.sleep(0)
    clock.advance(4.9)
    await asyncio.sleep(0)
    assert not sleeping.done()
    clock.advance(0.1)
    async with asyncio.timeout(30):
        await sleeping


async def test_patience_ends_at_its_deadline_whenever_that_was_set() -> None:
    clock = ManualClock()
    patience = Patience(clock)
    waiting = asyncio.create_task(patience.wait(asyncio.Event().wait()))
    await asyncio.sleep(0)
    patience.until(9.0)
    patience.until(5.0)
    clock.advance(4.9)
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(0.1)
    with pytest.raises(TimeoutError):
        await waiting


async def test_patience_does_not_count_the_time_between_waits() -> None:
    clock = ManualClock()
    patience = Patience(clock)
    patience.until(5.0)
    assert await patience.wait(asyncio.sleep(0, "first")) == "first"
    clock.advance(60.0)
    patience.until(clock.now() + 5.0)
    assert await patience.wait(asyncio.sleep(0, "second")) == "second"
    patience.close()
    assert clock.next_timer is None


async def test_a_stream_of_quick_items_costs_patience_one_timer() -> None:
    clock = ManualClock()
    patience = Patience(clock)
    for _ in range(100):
        patience.until(clock.now() + 5.0)
        await patience.wait(asyncio.sleep(0))
        clock.advance(0.02)
        assert clock.next_timer == 5.0


async def test_patience_can_be_given_up_at_once() -> None:
    patience = Patience(ManualClock())
    patience.give_up()
    waiting = asyncio.create_task(patience.wait(asyncio.Event().wait()))
    await asyncio.sleep(0)
    patience.give_up()
    patience.give_up()
    with pytest.raises(TimeoutError):
        await waiting
