from __future__ import annotations

from getpatter.server.token_bucket import TokenBucket


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    bucket = TokenBucket(burst=2, per_s=0.5, now=0.0)
    bucket.spend(0.0)
    assert not bucket.empty(0.0)
    bucket.spend(0.0)
    assert bucket.empty(0.0)
    assert bucket.empty(1.9)
    assert not bucket.empty(2.0)


def test_it_never_holds_more_than_at_the_beginning() -> None:
    bucket = TokenBucket(burst=2, per_s=1, now=0.0)
    for _ in range(2):
        assert not bucket.empty(1000.0)
        bucket.spend(1000.0)
    assert bucket.empty(1000.0)


def test_what_is_spent_beyond_it_is_no_debt() -> None:
    bucket = TokenBucket(burst=1, per_s=1, now=0.0)
    for _ in range(10):
        bucket.spend(0.0)
    assert not bucket.empty(1.0)


def test_what_is_taken_is_taken_whole_or_not_at_all() -> None:
    bucket = TokenBucket(burst=10, per_s=1, now=0.0)
    assert bucket.take(8, 0.0)
    assert not bucket.take(3, 0.0)
    assert bucket.take(2, 0.0)
    assert not bucket.take(3, 2.9)
    assert bucket.take(3, 3.0)
