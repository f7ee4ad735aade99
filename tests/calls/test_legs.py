from __future__ import annotations

from getpatter.calls.legs import MAX_UNCLAIMED, Legs
from getpatter.carriers.base import CallRenamed, CarrierEvent, StatusChanged


class Ear:
    def __init__(self) -> None:
        self.heard: list[CarrierEvent] = []

    def hear(self, event: CarrierEvent) -> None:
        self.heard.append(event)


def ringing(leg: str) -> StatusChanged:
    return StatusChanged(leg, "ringing")


def test_each_hears_of_its_own_leg_only() -> None:
    legs, one, other = Legs(), Ear(), Ear()
    legs.claim("CA1", one.hear)
    legs.claim("CA2", other.hear)
    legs.tell(ringing("CA2"))
    assert (one.heard, other.heard) == ([], [ringing("CA2")])


def test_what_came_before_the_name_is_told_with_it() -> None:
    legs, ear = Legs(), Ear()
    legs.tell(ringing("CA1"))
    legs.tell(ringing("CA2"))
    legs.tell(StatusChanged("CA1", "busy"))
    legs.claim("CA1", ear.hear)
    assert ear.heard == [ringing("CA1"), StatusChanged("CA1", "busy")]


def test_a_renamed_leg_is_heard_under_both_names() -> None:
    legs, ear = Legs(), Ear()
    legs.claim("request", ear.hear)
    legs.tell(CallRenamed("request", "call"))
    legs.tell(ringing("call"))
    legs.tell(ringing("request"))
    assert ear.heard == [CallRenamed("request", "call"), ringing("call"), ringing("request")]


def test_a_rename_that_comes_early_is_no_less_one() -> None:
    legs, ear = Legs(), Ear()
    legs.tell(CallRenamed("request", "call"))
    legs.tell(ringing("call"))
    legs.claim("request", ear.hear)
    assert ear.heard == [CallRenamed("request", "call"), ringing("call")]


def test_who_has_left_hears_nothing_more() -> None:
    legs, ear = Legs(), Ear()
    legs.claim("request", ear.hear)
    legs.tell(CallRenamed("request", "call"))
    legs.release(ear.hear)
    legs.tell(ringing("call"))
    legs.tell(ringing("request"))
    assert ear.heard == [CallRenamed("request", "call")]


def test_what_is_claimed_by_another_is_his() -> None:
    legs, call, cleaner = Legs(), Ear(), Ear()
    legs.claim("CA1", call.hear)
    legs.claim("CA1", cleaner.hear)
    legs.release(call.hear)
    legs.tell(ringing("CA1"))
    assert (call.heard, cleaner.heard) == ([], [ringing("CA1")])


def test_late_reports_take_no_room_from_early_ones() -> None:
    legs, over, ear = Legs(), Ear(), Ear()
    legs.claim("over", over.hear)
    legs.release(over.hear)
    legs.tell(ringing("CA1"))
    for _ in range(MAX_UNCLAIMED):
        legs.tell(StatusChanged("over", "completed"))
    legs.claim("CA1", ear.hear)
    assert ear.heard == [ringing("CA1")]


def test_strangers_events_do_not_pile_up() -> None:
    legs, ear = Legs(), Ear()
    legs.tell(ringing("CA1"))
    for number in range(MAX_UNCLAIMED):
        legs.tell(ringing(f"stranger {number}"))
    legs.claim("CA1", ear.hear)
    assert ear.heard == []
