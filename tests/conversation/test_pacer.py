from __future__ import annotations

from itertools import pairwise

import pytest

from getpatter.audio.format import FRAME_S
from getpatter.conversation.pacer import PHASES, Pacer
from getpatter.testing.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def pacer(clock: ManualClock) -> Pacer:
    return Pacer(clock)


def test_a_pump_is_called_every_20_ms_until_it_says_no(pacer: Pacer, clock: ManualClock) -> None:
    calls: list[float] = []

    def pump(now: float) -> bool:
        calls.append(now)
        return len(calls) < 4

    pacer.add(pump)
    clock.advance(1.0)
    assert len(calls) == 4
    assert [b - a for a, b in pairwise(calls)] == pytest.approx([FRAME_S] * 3)
    assert clock.next_timer is None


def test_pumps_are_spread_over_the_frame(pacer: Pacer, clock: ManualClock) -> None:
    calls: list[float] = []

    def pump(now: float) -> bool:
        calls.append(now)
        return True

    for _ in range(2 * PHASES):
        pacer.add(pump)
    clock.advance(FRAME_S)
    assert len(calls) == 2 * PHASES
    assert len(set(calls)) == PHASES


def test_a_pump_that_fails_loses_its_turn_alone(
    pacer: Pacer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[float] = []

    def fail(now: float) -> bool:
        raise RuntimeError("no")

    def pump(now: float) -> bool:
        calls.append(now)
        return True

    for _ in range(PHASES):
        pacer.add(fail)
        pacer.add(pump)
    clock.advance(3 * FRAME_S)
    assert len(calls) == 3 * PHASES
    assert len(caplog.records) == PHASES


def test_a_pump_may_add_another(pacer: Pacer, clock: ManualClock) -> None:
    calls: list[str] = []

    def second(now: float) -> bool:
        calls.append("second")
        return False

    def first(now: float) -> bool:
        calls.append("first")
        pacer.add(second)
        return False

    pacer.add(first)
    clock.advance(3 * FRAME_S)
    assert calls == ["first", "second"]


def test_after_the_close_nothing_is_called(pacer: Pacer, clock: ManualClock) -> None:
    calls: list[float] = []

    def pump(now: float) -> bool:
        calls.append(now)
        return True

    pacer.add(pump)
    pacer.close()
    pacer.close()
    assert clock.next_timer is None
    clock.advance(1.0)
    assert calls == []


def test_beats_that_were_left_out_make_no_pump_wait_longer(pacer: Pacer, clock: ManualClock) -> None:
    calls: list[float] = []

    def pump(now: float) -> bool:
        calls.append(now)
        return True

    for _ in range(PHASES):
        pacer.add(pump)
    clock.advance(FRAME_S)
    calls.clear()
    clock.hold_up(0.05)
    clock.advance(0.0)
    assert len(calls) == PHASES, "all have their turn in the first beat after it"
