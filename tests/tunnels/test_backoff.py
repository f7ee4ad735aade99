"""Each failure doubles the wait, up to a limit."""

from __future__ import annotations

from getpatter.tunnels.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(1.0, 10.0)
    assert [backoff.next_s() for _ in range(6)] == [1, 2, 4, 8, 10, 10]


def test_only_what_lasted_begins_anew() -> None:
    backoff = Backoff(1.0, 10.0)
    for _ in range(3):
        backoff.next_s()
    backoff.lived(9.9)
    assert backoff.next_s() == 8
    backoff.lived(10.0)
    assert backoff.next_s() == 1
