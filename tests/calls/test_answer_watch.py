"""A call of which the carrier says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from getpatter.calls.answer_watch import MARGIN_S, QUEUED_S, AnswerWatch
from getpatter.calls.ending import Ending
from getpatter.carriers.base import CarrierCall
from getpatter.errors import CarrierError
from getpatter.events import Direction
from getpatter.testing.carrier import SimCarrier
from getpatter.testing.clock import ManualClock
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory

RING_S = 25.0


class Operator(SimCarrier):
    """Says how the call stands, the last time for good."""

    def __init__(self, *answers: CarrierCall) -> None:
        super().__init__(SimNetwork(Directory([]), b""), b"")
        self.answers = list(answers)
        self.asked = 0

    async def fetch_call(self, carrier_call_id: str) -> CarrierCall:
        self.asked += 1
        if not self.answers:
            raise CarrierError("There is no such call.")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Watched:
    def __init__(self, operator: Operator, direction: Direction) -> None:
        self.clock = ManualClock()
        self.endings: list[Ending] = []
        self.watch = AnswerWatch(operator, self.clock, direction, self.endings.append)
        self.watch.start(lambda: "CA1", RING_S)

    async def after(self, seconds: float) -> Ending | None:
        await self._settle()
        self.clock.advance(seconds)
        await self._settle()
        return self.endings[-1] if self.endings else None

    async def _settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def watched() -> AsyncIterator[list[Watched]]:
    made: list[Watched] = []
    yield made
    for each in made:
        each.watch.stop()
    await asyncio.sleep(0)


async def test_the_carrier_has_its_time(watched: list[Watched]) -> None:
    operator = Operator(CarrierCall("busy"))
    watched.append(call := Watched(operator, "outbound"))
    assert await call.after(RING_S + MARGIN_S - 1) is None
    assert operator.asked == 0


@pytest.mark.parametrize(
    "found",
    [CarrierCall("busy"), CarrierCall("no_answer"), CarrierCall("canceled"), CarrierCall("failed", "SIP 404")],
    ids=lambda found: found.status,
)
async def test_what_was_not_told_is_asked(watched: list[Watched], found: CarrierCall) -> None:
    watched.append(call := Watched(Operator(found), "outbound"))
    ending = await call.after(RING_S + MARGIN_S)
    assert ending is not None
    assert (ending.outcome, ending.carrier_knows) == (found.status, True)
    assert found.cause in ending.reason


async def test_an_answered_call_that_never_came_to_us_is_hung_up(watched: list[Watched]) -> None:
    watched.append(call := Watched(Operator(CarrierCall("in_progress")), "outbound"))
    assert await call.after(RING_S + MARGIN_S) is None, "it may have been answered a moment ago"
    ending = await call.after(MARGIN_S)
    assert ending is not None
    assert (ending.outcome, ending.carrier_knows) == ("failed", False)
    assert ending.error is not None
    assert "doctor" in (ending.error.next_step or "")


async def test_a_phone_that_rings_late_is_let_ring_as_long_as_any(watched: list[Watched]) -> None:
    """The carrier had the call in its queue, so the ringing that is paid for begins late."""
    operator = Operator(CarrierCall("ringing"))
    watched.append(call := Watched(operator, "outbound"))
    assert await call.after(RING_S + MARGIN_S) is None
    assert await call.after(RING_S + MARGIN_S) is None
    ending = await call.after(MARGIN_S)
    assert ending is not None
    assert (ending.outcome, ending.carrier_knows, operator.asked) == ("no_answer", False, 3)


async def test_the_carriers_word_that_it_rings_counts_as_well(watched: list[Watched]) -> None:
    operator = Operator(CarrierCall("busy"))
    watched.append(call := Watched(operator, "outbound"))
    await call.after(RING_S)
    call.watch.rang()
    assert await call.after(RING_S + MARGIN_S - 1) is None
    assert operator.asked == 0
    ending = await call.after(1)
    assert ending is not None
    assert ending.outcome == "busy"


async def test_a_call_in_the_carriers_queue_is_waited_for(watched: list[Watched]) -> None:
    watched.append(call := Watched(Operator(*[CarrierCall("queued")] * 5, CarrierCall("busy")), "outbound"))
    assert await call.after(RING_S + MARGIN_S) is None
    for _ in range(4):
        assert await call.after(MARGIN_S) is None
    ending = await call.after(MARGIN_S)
    assert ending is not None
    assert ending.outcome == "busy"


async def test_but_not_for_ever(watched: list[Watched]) -> None:
    watched.append(call := Watched(Operator(CarrierCall("queued")), "outbound"))
    ending = await call.after(RING_S + MARGIN_S)
    for _ in range(int(QUEUED_S / MARGIN_S)):
        ending = ending or await call.after(MARGIN_S)
    assert ending is not None
    assert (ending.outcome, ending.carrier_knows) == ("no_answer", False)


@pytest.mark.parametrize(("direction", "outcome"), [("outbound", "no_answer"), ("inbound", "failed")])
async def test_a_carrier_that_cannot_say_has_lost_the_call(
    watched: list[Watched], direction: Direction, outcome: str
) -> None:
    watched.append(call := Watched(Operator(), direction))
    assert await call.after(RING_S + MARGIN_S) is None, "one request may fail"
    ending = await call.after(MARGIN_S)
    assert ending is not None
    assert (ending.outcome, ending.carrier_knows) == (outcome, False)


async def test_a_caller_who_gave_up_has_cancelled(watched: list[Watched]) -> None:
    watched.append(call := Watched(Operator(CarrierCall("completed")), "inbound"))
    ending = await call.after(RING_S + MARGIN_S)
    assert ending is not None
    assert (ending.outcome, ending.ended_by) == ("canceled", "caller")


async def test_once_there_is_a_stream_nobody_asks(watched: list[Watched]) -> None:
    operator = Operator(CarrierCall("busy"))
    watched.append(call := Watched(operator, "outbound"))
    await call.after(1.0)
    call.watch.stop()
    assert await call.after(1000.0) is None
    assert operator.asked == 0
