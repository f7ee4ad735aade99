from __future__ import annotations

import asyncio

from getpatter.testing.clock import ManualClock
from getpatter.trying.outside import Outside
from getpatter.trying.passing_time import OUTSIDE_S, PassingTime


class CountedClock(ManualClock):
    """Real time that passes while it is waited for, and counts how much was."""

    def call_at(self, when, callback):  # type: ignore[no-untyped-def]  # as in ManualClock
        timer = super().call_at(when, callback)
        asyncio.get_running_loop().call_soon(lambda: self.advance(max(0.0, when - self.now())))
        return timer


async def test_it_jumps_from_timer_to_timer_in_no_real_time() -> None:
    real = ManualClock()
    time = PassingTime(Outside(), real=real)
    rung: list[float] = []
    for at in (5.0, 70.0):
        time.clock.call_at(at, lambda: rung.append(time.clock.now()))
    assert await time.until(lambda: len(rung) == 2)
    assert rung == [5.0, 70.0]
    assert real.now() == 0.0


async def test_it_stops_at_the_limit_and_says_so() -> None:
    time = PassingTime(Outside(), real=ManualClock())
    time.clock.call_at(5.0, lambda: None)
    assert not await time.until(lambda: False, limit_s=3.0)
    assert time.clock.now() == 3.0


async def test_where_nothing_is_left_to_come_it_does_not_wait_for_ever() -> None:
    assert not await PassingTime(Outside(), real=ManualClock()).until(lambda: False)


async def test_tasks_have_done_what_they_can_before_time_passes() -> None:
    time = PassingTime(Outside(), real=ManualClock())
    done = asyncio.Event()

    async def work() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        done.set()

    task = asyncio.create_task(work())
    time.clock.call_at(1.0, lambda: None)
    assert await time.until(done.is_set)
    assert time.clock.now() == 0.0
    await task


async def test_while_something_outside_is_waited_for_it_goes_with_the_real_clock() -> None:
    outside, real = Outside(), CountedClock()
    time = PassingTime(outside, real=real)
    rung: list[float] = []
    time.clock.call_at(100.0, lambda: rung.append(time.clock.now()))
    with outside.work():
        assert not await time.until(lambda: bool(rung), limit_s=5 * OUTSIDE_S)
    assert abs(real.now() - 5 * OUTSIDE_S) < 1e-9
    assert abs(time.clock.now() - 5 * OUTSIDE_S) < 1e-9


async def test_paced_it_takes_as_long_as_it_says() -> None:
    real = CountedClock()
    time = PassingTime(Outside(), paced=True, real=real)
    rung: list[float] = []
    time.clock.call_at(2.0, lambda: rung.append(time.clock.now()))
    assert await time.until(lambda: bool(rung))
    assert real.now() == 2.0
