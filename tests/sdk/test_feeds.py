"""Which call's events go to whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from getpatter.agent import Agent
from getpatter.calls.desk import Desk, OutboundCall, Ringing
from getpatter.errors import PolicyDenied
from getpatter.observability.bus import EventBus
from getpatter.sdk.callbacks import Callbacks
from getpatter.sdk.feeds import ADMITTED_S, UNPRICED, Feeds
from getpatter.sdk.no_telephone import NoTelephone
from getpatter.sdk.speech_events import SpeechEvents
from getpatter.testing.clock import ManualClock

if TYPE_CHECKING:
    from tests.sdk.conftest import Story, Told

PATIENCE_S = 60.0


class Board(NoTelephone):
    """Places calls on a bus, by what the story of each says."""

    def __init__(self, bus: EventBus, story: Callable[..., Story]) -> None:
        self._bus = bus
        self._story = story
        self.desk: Desk | None = None
        self.dialled: list[OutboundCall] = []

    async def dial(self, wanted: OutboundCall) -> Any:
        if wanted.to_number == "911":
            raise PolicyDenied("No.")
        self.dialled.append(wanted)
        self._bus.publish(self._story(f"call_{len(self.dialled)}").placed(key=wanted.key))

    def answer_with(self, desk: Desk | None) -> None:
        self.desk = desk


class Office:
    def __init__(self, story: Callable[..., Story]) -> None:
        self.clock = ManualClock()
        self.bus = EventBus()
        self.board = Board(self.bus, story)
        self.feeds = Feeds(self.bus, self.clock, SpeechEvents())


@pytest.fixture
async def office(story: Callable[..., Story]) -> Office:
    return Office(story)


async def test_calls_at_once_have_their_own_callbacks(
    office: Office, story: Callable[..., Story], told: Callable[[], Told], make_agent: Callable[..., Agent]
) -> None:
    wanted = OutboundCall(to_number="+12025550100", agent=make_agent())
    first, second = told(), told()
    one = await office.feeds.place(office.board, wanted, Callbacks(on_call_end=first))
    two = await office.feeds.place(office.board, wanted, Callbacks(on_call_end=second))
    assert (one.control.call_id, two.control.call_id) == ("call_1", "call_2")
    assert office.feeds.latest is two
    for call_id in ("call_2", "call_1"):
        office.bus.publish(story(call_id).answered())
        office.bus.publish(story(call_id).ended())
    await office.feeds.close()
    assert [end["call_id"] for end in first.all] == ["call_1"]
    assert [end["call_id"] for end in second.all] == ["call_2"]
    assert office.feeds.latest is None


async def test_a_call_that_is_refused_leaves_nothing_behind(office: Office, make_agent: Callable[..., Agent]) -> None:
    with pytest.raises(PolicyDenied):
        await office.feeds.place(office.board, OutboundCall(to_number="911", agent=make_agent()), Callbacks())
    assert office.feeds.latest is None


async def test_a_call_placed_by_others_is_told_to_whoever_serves(
    office: Office, story: Callable[..., Story], told: Callable[[], Told], make_agent: Callable[..., Agent]
) -> None:
    heard = told()
    for call_id in ("call_8", "call_9"):
        for event in (story(call_id).placed(), story(call_id).answered(), story(call_id).ended()):
            office.bus.publish(event)
        office.feeds.answer(office.board, make_agent(), Callbacks(on_call_end=heard), "sim")
    await office.feeds.close()
    assert [end["call_id"] for end in heard.all] == ["call_9"]


RINGING = Ringing(call_id="call_1", carrier_call_id="CA1", from_number="+12025550107", to_number="+12025550199")


async def test_a_call_that_rings_is_the_one_that_is_then_answered(
    office: Office, story: Callable[..., Story], told: Callable[[], Told], make_agent: Callable[..., Agent]
) -> None:
    heard = told()
    office.feeds.answer(office.board, make_agent(), Callbacks(on_call_start=heard, on_call_end=heard), "sim")
    assert office.board.desk is not None
    assert await office.board.desk.agent_for(RINGING) is not None
    for event in (story().placed(direction="inbound"), story().answered()):
        office.bus.publish(event)
    office.clock.advance(ADMITTED_S)
    office.bus.publish(story().ended())
    await office.feeds.close()
    assert ["ended_at" in call for call in heard.all] == [False, True]
    assert {call["telephony_provider"] for call in heard.all} == {"sim"}


async def test_a_call_that_rang_and_was_turned_away_has_its_end_too(
    office: Office, told: Callable[[], Told], make_agent: Callable[..., Agent]
) -> None:
    heard = told()
    office.feeds.answer(office.board, make_agent(), Callbacks(on_call_start=heard, on_call_end=heard), "sim")
    assert office.board.desk is not None
    await office.board.desk.agent_for(RINGING)
    office.clock.advance(ADMITTED_S)
    async with asyncio.timeout(PATIENCE_S):
        await office.feeds.close()
    assert ["ended_at" in call for call in heard.all] == [False, True]
    assert office.feeds.latest is None


async def test_the_carriers_price_is_told_when_the_end_was(
    office: Office, story: Callable[..., Story], told: Callable[[], Told], make_agent: Callable[..., Agent]
) -> None:
    heard, one = told(), story("call_1")

    async def slowly(call: Any) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        await heard(call)

    wanted = OutboundCall(to_number="+12025550100", agent=make_agent())
    await office.feeds.place(office.board, wanted, Callbacks(on_call_end=slowly, on_price=heard))
    for event in (one.answered(), one.ended()):
        office.bus.publish(event)
    for price in (one.priced(source="estimate", amount_micros=7_000), one.priced(), one.priced(amount_micros=1)):
        office.bus.relay(price)
    async with asyncio.timeout(PATIENCE_S):
        await office.feeds.close()
    end, price = heard.all
    assert end["outcome"] == "answered"
    assert price == {"call_id": "call_1", "amount": 0.014, "currency": "USD"}


async def test_prices_are_awaited_of_the_latest_calls_alone(
    office: Office, story: Callable[..., Story], told: Callable[[], Told], make_agent: Callable[..., Agent]
) -> None:
    heard = told()
    office.feeds.answer(office.board, make_agent(), Callbacks(on_price=heard), "twilio")
    stories = [story(f"call_{n}") for n in range(UNPRICED + 1)]
    for one in stories:
        office.bus.publish(one.placed())
        office.bus.publish(one.ended())
    for one in (stories[0], stories[1], story("call_of_yesterday")):
        office.bus.relay(one.priced())
    async with asyncio.timeout(PATIENCE_S):
        await office.feeds.close()
    assert [price["call_id"] for price in heard.all] == ["call_1"]
