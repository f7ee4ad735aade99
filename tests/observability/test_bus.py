"""The one stream of events."""

from __future__ import annotations

import asyncio

import pytest

from getpatter.errors import ConfigurationError
from getpatter.events import CallEnded, CallPriced, CallRinging, Event
from getpatter.observability.bus import EventBus


def ringing(call_id: str) -> Event:
    return CallRinging(call_id=call_id, at=1.0)


def ended(call_id: str) -> Event:
    return CallEnded(call_id=call_id, at=2.0, outcome="busy", ended_by="carrier", reason="busy", duration_s=0.0)


def test_the_events_of_each_call_are_numbered_from_one() -> None:
    bus = EventBus()
    assert [bus.publish(ringing(call_id)).seq for call_id in ("a", "b", "a", "a", "b")] == [1, 1, 2, 3, 2]


def test_a_call_that_has_ended_is_forgotten() -> None:
    bus = EventBus()
    bus.publish(ringing("a"))
    assert bus.publish(ended("a")).seq == 2
    assert not bus._last_seq


def test_everybody_hears_every_event_in_order_until_they_leave() -> None:
    bus = EventBus()
    first: list[Event] = []
    second: list[Event] = []
    leave = bus.subscribe(first.append)
    bus.subscribe(second.append)
    bus.publish(ringing("a"))
    leave()
    leave()
    bus.publish(ended("a"))
    assert [event.seq for event in first] == [1]
    assert [event.seq for event in second] == [1, 2]


@pytest.mark.parametrize("fault", [RuntimeError("no"), asyncio.CancelledError()])
def test_a_listener_that_fails_keeps_nothing_from_the_others(
    fault: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    bus = EventBus()
    heard: list[Event] = []

    def fail(event: Event) -> None:
        raise fault

    bus.subscribe(fail)
    bus.subscribe(heard.append)
    bus.publish(ringing("a"))
    assert len(heard) == 1
    assert "failed on CallRinging of call a" in caplog.text


def test_what_becomes_known_after_the_end_is_passed_on_as_it_is() -> None:
    bus = EventBus()
    heard: list[Event] = []
    bus.subscribe(heard.append)
    bus.publish(ended("a"))
    price = CallPriced(call_id="a", at=9.0, seq=7, amount_micros=1, currency="USD", source="carrier")
    bus.relay(price)
    assert heard[-1] == price
    assert not bus._last_seq


# -- by name


def test_what_happens_is_told_by_name_from_now_on_until_one_leaves() -> None:
    bus, heard = EventBus(), list[dict[str, object]]()
    bus.publish(ended("a"))
    leave = bus.on("call_ended", heard.append)
    bus.publish(ringing("b"))
    bus.publish(ended("b"))
    leave()
    bus.publish(ended("c"))
    assert [(told["call_id"], told["outcome"]) for told in heard] == [("b", "busy")]


def test_what_is_emitted_reaches_those_who_hear_by_name_and_nobody_else() -> None:
    bus, heard, events = EventBus(), list[dict[str, object]](), list[Event]()
    bus.subscribe(events.append)
    bus.on("turn_ended", heard.append)
    bus.emit("turn_ended", {"turn_index": 0})
    assert heard == [{"turn_index": 0}]
    assert events == []


def test_an_unknown_name_is_refused() -> None:
    bus = EventBus()
    with pytest.raises(ConfigurationError, match="'turn_over'") as refused:
        bus.on("turn_over", print)  # type: ignore[arg-type]  # what is refused
    assert "turn_ended" in str(refused.value.next_step)
    with pytest.raises(ConfigurationError):
        bus.emit("turn_over", {})  # type: ignore[arg-type]  # what is refused
