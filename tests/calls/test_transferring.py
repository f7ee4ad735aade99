from __future__ import annotations

import asyncio

import pytest

from getpatter.calls.ending import Ending
from getpatter.calls.hang_ups import HangUps
from getpatter.calls.legs import Legs
from getpatter.calls.transferring import BRIEFING_S, CARRIER_S, RING_S, Transferring
from getpatter.carriers.base import Capabilities, ColleagueReady, ConsultRequest, StatusChanged
from getpatter.errors import CarrierError
from getpatter.events import Event, TransferMode, Transferred
from getpatter.testing.carrier import SimCarrier
from getpatter.testing.clock import ManualClock
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory

NUMBER = "+12025550150"
COLLEAGUE = "CA2"
HUNG_UP = Ending("answered", "caller", "the other side hung up", carrier_knows=True)


class Desk(SimCarrier):
    """A carrier that takes its time."""

    capabilities = Capabilities(warm_transfer=True)

    def __init__(self, refusal: CarrierError | None = None) -> None:
        super().__init__(SimNetwork(Directory([]), b""), b"")
        self.refusal = refusal
        self.answers = asyncio.Event()
        self.asked: list[tuple[str, str]] = []
        self.consulted: list[ConsultRequest] = []
        self.connected: list[tuple[str, str]] = []
        self.hung_up: list[str] = []

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        self.asked.append((carrier_call_id, number))
        await self.answers.wait()
        if self.refusal is not None:
            raise self.refusal

    async def consult(self, request: ConsultRequest) -> str:
        self.consulted.append(request)
        return COLLEAGUE

    async def connect(self, carrier_call_id: str, colleague_call_id: str) -> None:
        self.connected.append((carrier_call_id, colleague_call_id))
        await self.answers.wait()
        if self.refusal is not None:
            raise self.refusal

    async def hang_up(self, carrier_call_id: str) -> None:
        self.hung_up.append(carrier_call_id)


class Call:
    call_id = "call_1"
    carrier_call_id = "CA1"

    def __init__(self, desk: Desk) -> None:
        self.clock = ManualClock()
        self.legs = Legs()
        self.hang_ups = HangUps(desk, self.legs, self.clock)
        self.events: list[Event] = []
        self.ends: list[Ending] = []
        self.transferring = Transferring(
            self,
            desk,
            self.clock,
            self.legs,
            self.hang_ups,
            from_number="+12025550199",
            language="en-US",
            webhooks_url="https://phone.example.org/webhooks/desk",
        )

    def publish(self, event: Event) -> None:
        self.events.append(event)

    def end(self, ending: Ending) -> None:
        self.ends.append(ending)

    async def begin(self, mode: TransferMode = "cold") -> asyncio.Task[None]:
        task = asyncio.create_task(self.transferring.transfer(NUMBER, "Wants a table.", mode=mode))
        await settle()
        return task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


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


# -- after a word with the colleague


async def test_the_caller_is_put_through_once_the_colleague_knows() -> None:
    desk = Desk()
    call = Call(desk)
    under_way = await call.begin("warm")
    [asked] = desk.consulted
    assert (asked.to_number, asked.summary, asked.carrier_call_id) == (NUMBER, "Wants a table.", "CA1")
    call.legs.tell(StatusChanged(COLLEAGUE, "ringing"))
    call.legs.tell(StatusChanged(COLLEAGUE, "in_progress"))
    await settle()
    assert not desk.connected, "the colleague is still being told"
    call.legs.tell(ColleagueReady(COLLEAGUE))
    await settle()
    call.transferring.stream_over(HUNG_UP)  # the carrier takes the stream down before it answers
    desk.answers.set()
    await under_way
    assert desk.connected == [("CA1", COLLEAGUE)]
    assert [type(event) for event in call.events] == [Transferred]
    assert [ending.ended_by for ending in call.ends] == ["agent"]
    assert not desk.hung_up


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (StatusChanged(COLLEAGUE, "busy"), "is busy"),
        (StatusChanged(COLLEAGUE, "no_answer"), "does not answer"),
        (StatusChanged(COLLEAGUE, "failed"), "did not take"),
        (StatusChanged(COLLEAGUE, "completed"), "did not take"),
    ],
    ids=lambda value: value.status if isinstance(value, StatusChanged) else "",
)
async def test_a_colleague_who_cannot_leaves_the_caller_with_the_agent(change: StatusChanged, words: str) -> None:
    desk = Desk()
    call = Call(desk)
    under_way = await call.begin("warm")
    call.legs.tell(change)
    with pytest.raises(CarrierError, match=words):
        await under_way
    assert (call.ends, call.events, desk.connected) == ([], [], [])
    call.transferring.stream_over(HUNG_UP)
    assert call.ends == [HUNG_UP], "the call goes on and may end as any other"


async def test_a_colleague_who_never_comes_is_let_go() -> None:
    desk = Desk()
    call = Call(desk)
    under_way = await call.begin("warm")
    call.clock.advance(RING_S + BRIEFING_S)
    with pytest.raises(CarrierError, match="Nobody at"):
        await under_way
    await settle()
    assert desk.hung_up == [COLLEAGUE]
    assert not call.ends


async def test_a_caller_who_hangs_up_spares_the_colleague() -> None:
    desk = Desk()
    call = Call(desk)
    under_way = await call.begin("warm")
    call.transferring.stream_over(HUNG_UP)
    assert call.ends == [HUNG_UP]
    call.transferring.abandon()
    with pytest.raises(CarrierError, match="ended before"):
        await under_way
    await settle()
    assert desk.hung_up == [COLLEAGUE]
    assert not desk.connected


async def test_when_the_last_step_fails_both_are_where_they_were() -> None:
    desk = Desk(CarrierError("The conference is full."))
    desk.answers.set()
    call = Call(desk)
    under_way = await call.begin("warm")
    call.legs.tell(ColleagueReady(COLLEAGUE))
    with pytest.raises(CarrierError, match="full"):
        await under_way
    await settle()
    assert desk.hung_up == [COLLEAGUE]
    assert not call.ends


async def test_one_colleague_at_a_time() -> None:
    desk = Desk()
    call = Call(desk)
    first = await call.begin("warm")
    with pytest.raises(CarrierError, match="already"):
        await call.transferring.transfer(NUMBER, mode="warm")
    call.legs.tell(StatusChanged(COLLEAGUE, "busy"))
    with pytest.raises(CarrierError):
        await first
    again = await call.begin("warm")
    call.legs.tell(StatusChanged(COLLEAGUE, "busy"))
    with pytest.raises(CarrierError, match="busy"):
        await again


async def test_a_carrier_that_only_hands_off_says_so() -> None:
    class Plain(Desk):
        capabilities = Capabilities()

    call = Call(Plain())
    with pytest.raises(CarrierError, match="only without a word"):
        await call.transferring.transfer(NUMBER, mode="warm")
    assert not call.ends
