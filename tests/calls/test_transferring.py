from __future__ import annotations

import asyncio

import pytest

from getpatter.calls.ending import Ending
from getpatter.calls.legs import Legs
from getpatter.calls.transferring import CARRIER_S, Transferring
from getpatter.errors import CarrierError
from getpatter.events import Event, Transferred
from getpatter.testing.carrier import SimCarrier
from getpatter.testing.clock import ManualClock
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory

NUMBER = "+12025550150"
HUNG_UP = Ending("answered", "caller", "the other side hung up", carrier_knows=True)


class Desk(SimCarrier):
    """A carrier that takes its time."""

    def __init__(self, refusal: CarrierError | None = None) -> None:
        super().__init__(SimNetwork(Directory([]), b""), b"")
        self.refusal = refusal
        self.answers = asyncio.Event()
        self.asked: list[tuple[str, str]] = []

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        self.asked.append((carrier_call_id, number))
        await self.answers.wait()
        if self.refusal is not None:
            raise self.refusal


class Call:
    call_id = "call_1"
    carrier_call_id = "CA1"

    def __init__(self, desk: Desk) -> None:
        self.clock = ManualClock()
        self.legs = Legs()
        self.events: list[Event] = []
        self.ends: list[Ending] = []
        self.transferring = Transferring(
            self,
            desk,
            self.clock,
            self.legs,
            from_number="+12025550199",
            language="en-US",
            webhooks_url="https://phone.example.org/webhooks/desk",
        )

    def publish(self, event: Event) -> None:
        self.events.append(event)

    def end(self, ending: Ending) -> None:
        self.ends.append(ending)

    async def begin(self) -> asyncio.Task[None]:
        task = asyncio.create_task(self.transferring.transfer(NUMBER, "Wants a table."))
        await asyncio.sleep(0)
        return task


async def test_a_transferred_call_ends_without_being_hung_up() -> None:
    desk = Desk()
    call = Call(desk)
    under_way = await call.begin()
    desk.answers.set()
    await under_way
    assert desk.asked == [("CA1", NUMBER)]
    assert call.events == [Transferred(call_id="call_1", at=call.clock.wall(), number=NUMBER, summary="Wants a table.")]
    [ending] = call.ends
    assert (ending.outcome, ending.ended_by, ending.reason) == ("answered", "agent", f"transferred to {NUMBER}")
    assert ending.carrier_knows, "to hang up would take the line from those who talk on it"


async def test_a_stream_that_stops_before_the_carrier_has_answered_is_the_transfers() -> None:
    desk = Desk()
    call = Call(desk)
    under_way = await call.begin()
    call.transferring.stream_over(HUNG_UP)
    assert not call.ends
    desk.answers.set()
    await under_way
    assert [ending.ended_by for ending in call.ends] == ["agent"]


async def test_a_refused_transfer_leaves_the_call_as_it_was() -> None:
    desk = Desk(CarrierError("No such number."))
    call = Call(desk)
    under_way = await call.begin()
    desk.answers.set()
    with pytest.raises(CarrierError, match="No such number"):
        await under_way
    assert not call.ends
    assert not call.events
    call.transferring.stream_over(HUNG_UP)
    assert call.ends == [HUNG_UP], "a hang-up is one again"


async def test_whoever_hangs_up_while_a_transfer_is_refused_has_hung_up() -> None:
    desk = Desk(CarrierError("The call is over."))
    call = Call(desk)
    under_way = await call.begin()
    call.transferring.stream_over(HUNG_UP)
    desk.answers.set()
    with pytest.raises(CarrierError):
        await under_way
    assert call.ends == [HUNG_UP]


async def test_a_carrier_that_does_not_answer_has_refused() -> None:
    call = Call(Desk())
    under_way = await call.begin()
    call.clock.advance(CARRIER_S)
    with pytest.raises(CarrierError, match="within 10 s"):
        await under_way
    assert not call.ends
