from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.telnyx.reorder import HOLD_FRAMES, RESTART_FRAMES, FrameOrder


def frame(number: int) -> bytes:
    return b"<%d>" % number


def heard(*numbers: int, order: FrameOrder | None = None) -> list[bytes]:
    order = order or FrameOrder()
    return [order.feed(number, frame(number)) for number in numbers]


def test_frames_in_order_come_one_by_one() -> None:
    assert heard(1, 2, 3) == [b"<1>", b"<2>", b"<3>"]


def test_numbers_may_begin_at_nought() -> None:
    assert heard(0, 1) == [b"<0>", b"<1>"]


def test_a_frame_waits_for_its_predecessor_and_comes_joined_to_it() -> None:
    assert heard(1, 3, 2, 4) == [b"<1>", b"", b"<2><3>", b"<4>"]


def test_the_very_first_frame_may_come_second() -> None:
    assert heard(2, 1, 3) == [b"", b"<1><2>", b"<3>"]


def test_a_frame_that_is_lost_is_waited_for_through_three_more() -> None:
    assert heard(1, 3, 4, 5, 6, 7) == [b"<1>", b"", b"", b"", b"<3><4><5><6>", b"<7>"]


def test_a_frame_that_comes_after_it_was_given_up_is_dropped() -> None:
    assert heard(1, 3, 4, 5, 6, 2, 7) == [b"<1>", b"", b"", b"", b"<3><4><5><6>", b"", b"<7>"]


def test_a_frame_is_heard_once() -> None:
    assert heard(1, 1, 3, 3, 2) == [b"<1>", b"", b"", b"", b"<2><3>"]


def test_a_second_gap_is_waited_for_as_long_as_the_first() -> None:
    assert heard(1, 3, 5, 6, 7, 4) == [b"<1>", b"", b"", b"", b"<3>", b"<4><5><6><7>"]


def test_numbers_may_begin_anew() -> None:
    order = FrameOrder()
    heard(*range(1, RESTART_FRAMES + 10), order=order)
    assert heard(1, 2, order=order) == [b"<1>", b"<2>"]


def test_numbers_may_jump_ahead() -> None:
    assert b"".join(heard(1, 5000, 5001, 5002, 5003, 5004)) == b"<1><5000><5001><5002><5003><5004>"


@given(lateness=st.lists(st.integers(0, HOLD_FRAMES), min_size=1, max_size=60))
def test_frames_that_are_late_by_no_more_than_the_hold_are_all_heard_in_order(lateness: list[int]) -> None:
    sent = sorted(range(len(lateness)), key=lambda at: (at + lateness[at], at))
    assert b"".join(heard(*(at + 1 for at in sent))) == b"".join(frame(at + 1) for at in range(len(lateness)))


@given(numbers=st.lists(st.integers(1, RESTART_FRAMES), max_size=100))
def test_whatever_comes_nothing_is_heard_twice_or_before_its_time(numbers: list[int]) -> None:
    given_out = [int(number) for number in b"".join(heard(*numbers)).replace(b">", b"").split(b"<")[1:]]
    assert given_out == sorted(set(given_out))
    assert set(given_out) <= set(numbers)
