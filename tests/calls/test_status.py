"""Every order in which a carrier may tell of a call."""

from __future__ import annotations

from itertools import permutations

import pytest

from getpatter.calls.ending import Ending
from getpatter.calls.status import CarrierStatusTrack
from getpatter.carriers.base import CarrierStatus, StatusChanged
from getpatter.events import Direction, Outcome

LEG = "CA1"


def tell(
    *statuses: CarrierStatus, answered: bool = False, direction: Direction = "outbound", numbered: bool = True
) -> list[str]:
    """What follows from each callback, in the order of their coming, told in short."""
    order: list[CarrierStatus] = ["queued", "ringing", "in_progress"]
    track = CarrierStatusTrack(direction)
    news: list[str] = []
    for status in statuses:
        sequence = (order.index(status) if status in order else len(order)) if numbered else None
        found = track.change(StatusChanged(LEG, status, sequence), answered=answered)
        news.append(found.outcome if isinstance(found, Ending) else found or "-")
    return news


@pytest.mark.parametrize(
    ("statuses", "news"),
    [
        (["queued", "ringing", "in_progress"], ["-", "ringing", "-"]),
        (["queued", "ringing", "ringing"], ["-", "ringing", "-"]),
        (["ringing", "queued"], ["ringing", "-"]),
        (["in_progress", "ringing"], ["-", "-"]),
        (["queued", "ringing", "busy"], ["-", "ringing", "busy"]),
        (["busy", "ringing", "queued"], ["busy", "ringing", "-"]),
        (["no_answer"], ["no_answer"]),
        (["queued", "canceled"], ["-", "canceled"]),
        (["failed"], ["failed"]),
        (["in_progress", "completed"], ["-", "failed"]),
    ],
)
def test_orders_of_a_call_that_has_no_stream(statuses: list[CarrierStatus], news: list[str]) -> None:
    assert tell(*statuses) == news


@pytest.mark.parametrize("statuses", list(permutations(["queued", "ringing", "in_progress", "completed"])))
def test_an_answered_call_ends_once_it_is_completed_and_never_rings_again(statuses: tuple[CarrierStatus, ...]) -> None:
    news = tell(*statuses, answered=True)
    assert news == ["answered" if status == "completed" else "-" for status in statuses]


@pytest.mark.parametrize("status", ["busy", "no_answer", "canceled", "failed"])
def test_what_was_answered_cannot_become_busy(status: CarrierStatus) -> None:
    """Such a callback is about another leg, or late by a whole call; the other side is gone all the same."""
    assert tell(status, answered=True) == ["answered"]


@pytest.mark.parametrize(("direction", "outcome"), [("inbound", "canceled"), ("outbound", "failed")])
def test_completed_without_a_stream(direction: Direction, outcome: Outcome) -> None:
    """A caller may give up while we answer; a call of ours that nobody connected to us has failed."""
    assert tell("completed", direction=direction) == [outcome]


def test_without_numbers_ringing_is_told_once() -> None:
    assert tell("queued", "ringing", "queued", "ringing", numbered=False) == ["-", "ringing", "-", "-"]


def test_the_carriers_words_are_kept() -> None:
    ending = CarrierStatusTrack("outbound").change(StatusChanged(LEG, "failed", 1, "SIP 404"), answered=False)
    assert isinstance(ending, Ending)
    assert ending.error is not None
    assert "SIP 404" in ending.reason
    assert "SIP 404" in ending.error.message


def test_a_call_that_never_reached_us_says_what_to_do() -> None:
    ending = CarrierStatusTrack("outbound").change(StatusChanged(LEG, "completed", 3), answered=False)
    assert isinstance(ending, Ending)
    assert ending.error is not None
    assert "doctor" in (ending.error.next_step or "")
