from __future__ import annotations

import asyncio

import pytest

from getpatter.clock import SystemClock, deadline
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
