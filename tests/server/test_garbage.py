"""Full collections happen when nobody is on the line."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from getpatter.events import CallEnded
from getpatter.server.garbage import AFTER_S, QuietGarbage
from getpatter.testing.clock import ManualClock

ENDED = CallEnded(call_id="c", at=1.0, outcome="answered", ended_by="caller", reason="", duration_s=1.0)


class Cycle:
    """Freed by a collection only."""

    def __init__(self) -> None:
        self.itself = self


class Exchange:
    live_calls = 1


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def garbage(exchange: Exchange, clock: ManualClock) -> Iterator[QuietGarbage]:
    garbage = QuietGarbage(clock, lambda: exchange.live_calls, after_calls=3)
    garbage.start()
    yield garbage
    garbage.stop()


def cycle() -> weakref.ref[Cycle]:
    return weakref.ref(Cycle())


@pytest.mark.usefixtures("garbage")
def test_python_begins_no_full_collection_by_itself() -> None:
    assert gc.get_threshold()[2] > 1_000_000


def test_what_is_left_of_calls_is_collected_when_the_last_one_has_ended(
    garbage: QuietGarbage, exchange: Exchange, clock: ManualClock
) -> None:
    left = cycle()
    garbage.listen(ENDED)
    clock.advance(AFTER_S)
    assert left() is not None, "somebody is on the line"
    exchange.live_calls = 0
    garbage.listen(ENDED)
    clock.advance(AFTER_S)
    assert left() is None


def test_after_many_calls_it_is_collected_all_the_same(garbage: QuietGarbage, clock: ManualClock) -> None:
    left = cycle()
    for _ in range(3):
        garbage.listen(ENDED)
    clock.advance(AFTER_S)
    assert left() is None


def test_the_interpreter_gets_its_own_ways_back(exchange: Exchange, clock: ManualClock) -> None:
    before = gc.get_threshold()
    garbage = QuietGarbage(clock, lambda: exchange.live_calls)
    garbage.start()
    garbage.listen(ENDED)
    garbage.stop()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
    assert clock.next_timer is None
