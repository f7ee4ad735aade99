from __future__ import annotations

import asyncio

import pytest

from getpatter.clock import SystemClock, deadline, stall_guard
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
