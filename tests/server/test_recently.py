from __future__ import annotations

from getpatter.server.recently import Recently
from getpatter.testing.clock import ManualClock


def test_what_was_put_is_there_for_its_time() -> None:
    clock = ManualClock()
    seen: Recently[str, int] = Recently(clock, seconds=60, most=10)
    seen.put("a", 1)
    clock.advance(59)
    assert seen.get("a") == 1
    clock.advance(1)
    assert seen.get("a") is None
    assert len(seen) == 0


def test_putting_it_again_begins_its_time_anew() -> None:
    clock = ManualClock()
    seen: Recently[str, int] = Recently(clock, seconds=60, most=10)
    seen.put("a", 1)
    seen.put("b", 1)
    clock.advance(30)
    seen.put("a", 2)
    clock.advance(30)
    assert (seen.get("a"), seen.get("b")) == (2, None)


def test_the_oldest_goes_when_there_are_too_many() -> None:
    seen: Recently[int, str] = Recently(ManualClock(), seconds=60, most=2)
    for number in range(3):
        seen.put(number, "x")
    seen.put(2, "y")
    assert [seen.get(number) for number in range(3)] == [None, "x", "y"]


def test_what_is_forgotten_is_gone() -> None:
    seen: Recently[str, int] = Recently(ManualClock(), seconds=60, most=2)
    seen.put("a", 1)
    seen.forget("a")
    seen.forget("b")
    assert seen.get("a") is None
