from __future__ import annotations

from getpatter.carriers.plivo.nonces import MAX_SEEN, RETRIED_S, SeenNonces
from getpatter.testing.clock import ManualClock


def test_a_request_may_be_repeated_as_long_as_plivo_repeats_them_and_no_longer() -> None:
    clock = ManualClock()
    seen = SeenNonces(clock)
    assert not seen.is_replay("n1")
    clock.advance(RETRIED_S)
    assert not seen.is_replay("n1")
    clock.advance(1)
    assert seen.is_replay("n1")
    assert not seen.is_replay("n2")


def test_repeats_do_not_renew_a_request() -> None:
    clock = ManualClock()
    seen = SeenNonces(clock)
    for _ in range(3):
        assert not seen.is_replay("n1")
        clock.advance(RETRIED_S / 2)
    assert seen.is_replay("n1")


def test_of_too_many_the_oldest_is_forgotten() -> None:
    clock = ManualClock()
    seen = SeenNonces(clock)
    for number in range(MAX_SEEN + 1):
        seen.is_replay(str(number))
    clock.advance(RETRIED_S + 1)
    assert seen.is_replay("1")
    assert not seen.is_replay("0")
