"""Sums of which a part may be unknown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from getpatter.pricing.bill import Bill, total

parts = st.lists(st.tuples(st.none() | st.integers(0, 10**9), st.booleans()), max_size=8)


def summed(these: list[tuple[int | None, bool]]) -> Bill:
    bill = Bill()
    for micros, estimated in these:
        bill = bill.plus(micros, estimated=estimated)
    return bill


def test_nothing_known_is_not_nothing() -> None:
    assert Bill().plus(None) == Bill(None, unknown=True)
    assert Bill().plus(0) == Bill(0)
    assert Bill().plus(5).plus(None) == Bill(5, unknown=True)


@given(parts)
def test_a_sum_is_of_what_is_known_and_says_whether_that_is_all(these: list[tuple[int | None, bool]]) -> None:
    bill = summed(these)
    known = [micros for micros, _ in these if micros is not None]
    assert bill.micros == (sum(known) if known else None)
    assert bill.unknown == any(micros is None for micros, _ in these)
    assert bill.estimated == any(estimated for _, estimated in these)


@given(parts, parts)
def test_bills_together_are_the_bill_of_all_their_parts(
    some: list[tuple[int | None, bool]], more: list[tuple[int | None, bool]]
) -> None:
    assert total([summed(some), summed(more)]) == summed(some + more)


@given(parts)
def test_the_order_of_the_parts_means_nothing(these: list[tuple[int | None, bool]]) -> None:
    assert summed(these) == summed(these[::-1])
