from __future__ import annotations

import asyncio
import functools

import pytest

from getpatter.clock import Clock
from getpatter.testing.clock import ManualClock, SkippingClock


def test_it_is_a_clock() -> None:
    clock: Clock = ManualClock(start=5.0, wall=100.0)
    assert (clock.now(), clock.wall()) == (5.0, 100.0)


def test_both_times_move_together() -> None:
    clock = ManualClock(start=5.0, wall=100.0)
    clock.advance(2.5)
    assert (clock.now(), clock.wall()) == (7.5, 102.5)


def test_timers_run_in_order_of_their_times_and_then_of_their_setting() -> None:
    clock = ManualClock()
    ran: list[tuple[str, float]] = []

    def note(name: str) -> None:
        ran.append((name, clock.now()))

    for name, when in (("late", 3.0), ("early", 1.0), ("early too", 1.0)):
        clock.call_at(when, functools.partial(note, name))
    clock.advance(5.0)
    assert ran == [("early", 1.0), ("early too", 1.0), ("late", 3.0)]


def test_a_timer_in_the_future_does_not_run() -> None:
    clock = ManualClock()
    ran: list[str] = []
    clock.call_at(1.0, lambda: ran.append("x"))
    clock.advance(0.999)
    assert ran == []
    assert clock.next_timer == 1.0


def test_a_timer_set_by_a_timer_runs_in_the_same_advance_when_it_is_due() -> None:
    clock = ManualClock()
    ran: list[float] = []

    def tick() -> None:
        ran.append(clock.now())
        clock.call_at(clock.now() + 1.0, tick)

    clock.call_at(1.0, tick)
    clock.advance(3.5)
    assert ran == [1.0, 2.0, 3.0]
    assert clock.now() == 3.5


def test_a_cancelled_timer_does_not_run() -> None:
    clock = ManualClock()
    ran: list[str] = []
    clock.call_at(1.0, lambda: ran.append("x")).cancel()
    assert clock.next_timer is None
    clock.advance(2.0)
    assert ran == []


def test_a_timer_in_the_past_runs_in_the_next_advance_without_turning_time_back() -> None:
    clock = ManualClock(start=10.0)
    ran: list[float] = []
    clock.call_at(3.0, lambda: ran.append(clock.now()))
    clock.advance(0.0)
    assert ran == [10.0]


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        ManualClock().advance(-1.0)


async def test_a_clock_that_is_put_forward_runs_what_is_due_then_in_order() -> None:
    clock = SkippingClock()
    ran: list[str] = []
    done = asyncio.Event()
    began = clock.now()
    clock.call_at(began + 7200.0, lambda: ran.append("too late"))
    clock.call_at(began + 3600.0, done.set)
    clock.call_at(began + 60.0, lambda: ran.append("late"))
    clock.call_at(began + 30.0, lambda: ran.append("early"))
    clock.call_at(began + 30.0, lambda: ran.append("cancelled")).cancel()
    wall = clock.wall()
    clock.skip(3600.0)
    assert clock.wall() >= wall + 3600.0
    async with asyncio.timeout(60):
        await done.wait()
    assert ran == ["early", "late"]


async def test_a_clock_that_is_not_put_forward_runs_by_itself() -> None:
    clock = SkippingClock()
    done = asyncio.Event()
    clock.call_at(clock.now() + 0.001, done.set)
    async with asyncio.timeout(60):
        await done.wait()
    with pytest.raises(ValueError, match="backwards"):
        clock.skip(-1.0)
