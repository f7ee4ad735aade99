from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.marks import PendingMarks


def pending(*names: str) -> PendingMarks:
    marks = PendingMarks()
    for name in names:
        marks.sent(name)
    return marks


def test_a_mark_that_comes_back_was_played() -> None:
    assert pending("a").returned("a")


def test_a_mark_counts_once() -> None:
    marks = pending("a")
    assert [marks.returned("a"), marks.returned("a")] == [True, False]


def test_a_mark_that_was_never_sent_does_not_count() -> None:
    assert not pending("a").returned("b")


def test_marks_pending_at_a_clear_do_not_count() -> None:
    marks = pending("a", "b")
    assert marks.returned("a")
    marks.cleared()
    assert not marks.returned("b")


def test_a_name_used_again_after_a_clear_is_told_apart_by_order() -> None:
    marks = pending("a", "a")
    marks.cleared()
    marks.sent("a")
    assert [marks.returned("a") for _ in range(4)] == [False, False, True, False]


@given(before=st.lists(st.sampled_from("abc")), after=st.lists(st.sampled_from("abc")))
def test_of_all_that_comes_back_in_order_what_was_sent_after_the_clear_counts(
    before: list[str], after: list[str]
) -> None:
    marks = pending(*before)
    marks.cleared()
    for name in after:
        marks.sent(name)
    assert [marks.returned(name) for name in before + after] == [False] * len(before) + [True] * len(after)
