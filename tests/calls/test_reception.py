"""Calls that come in, by a carrier whose every request the test makes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest

from getpatter.agent import Agent
from getpatter.calls.admission import Admission
from getpatter.calls.archive import Archive
from getpatter.calls.desk import Desk, Ringing
from getpatter.calls.hang_ups import HangUps
from getpatter.calls.legs import Legs
from getpatter.calls.lines import Lines
from getpatter.calls.live import Office
from getpatter.calls.reception import DESK_S, Reception
from getpatter.carriers.base import (
    Answer,
    Capabilities,
    Dialed,
    DialRequest,
    InboundCall,
    StreamTarget,
    Webhook,
    WebhookRequest,
    WebhookResponse,
)
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.carriers.unable import Unable
from getpatter.conversation.conversation import Services
from getpatter.conversation.ears import VoiceLine
from getpatter.conversation.pacer import Pacer
from getpatter.errors import CarrierError, Replayed
from getpatter.observability.bus import EventBus
from getpatter.store import Store
from getpatter.testing.clock import ManualClock
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT

CALLER, OURS = "+12025550150", "+12025550199"
RINGS = InboundCall("CA1", CALLER, OURS)


class Operator(Unable):
    """Answers by a document that is the stream's URL and token, and by `picks_up`, where it has such a command."""

    name = "op"
    capabilities = Capabilities()
    webhooks: Mapping[str, Sequence[str]] = {}

    def __init__(self) -> None:
        self.command: Callable[[], Awaitable[None]] | None = None
        self.hung_up: list[str] = []

    async def dial(self, request: DialRequest) -> Dialed:
        raise NotImplementedError

    async def hang_up(self, carrier_call_id: str) -> None:
        self.hung_up.append(carrier_call_id)

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        raise NotImplementedError

    def verify(self, request: WebhookRequest) -> None:
        raise NotImplementedError

    def parse(self, request: WebhookRequest) -> Webhook:
        raise NotImplementedError

    def answer(self, call: InboundCall, stream: StreamTarget, webhooks_url: str) -> Answer:
        return Answer(WebhookResponse(f"{stream.url} {stream.parameters.get('token', '')}".encode()), self.command)

    def reject(self, call: InboundCall, reason: Literal["busy", "rejected"]) -> Answer:
        return Answer(WebhookResponse(reason.encode()))

    def media_codec(self) -> TwilioMediaCodec:
        return TwilioMediaCodec()

    async def close(self) -> None:
        pass


class Deaf:
    def open(self, on_probability: Callable[[float], None]) -> VoiceLine:
        return self

    def feed(self, ulaw: bytes) -> None:
        pass

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


class House:
    def __init__(self, store: Store) -> None:
        self.clock = ManualClock()
        self.operator = Operator()
        self.bus = EventBus()
        self.pacer = Pacer(self.clock)
        self.journal = store.journal(self.bus)
        legs = Legs()
        self.hang_ups = HangUps(self.operator, legs, self.clock)
        office = Office(
            carrier=self.operator,
            legs=legs,
            hang_ups=self.hang_ups,
            bus=self.bus,
            clock=self.clock,
            recorder=None,
            carrier_records=False,
        )
        services = Services(Deaf(), self.pacer, self.clock)
        self.lines = Lines(office, Admission(2), services, self.journal)
        self.lines.reachable_at("https://phone.example.org/")
        self.archive = Archive(store.calls, self.clock)
        self.reception = Reception(self.lines, self.archive)
        self.agent = Agent(system_prompt="", llm=AnsweringLLM("Yes."), stt=TellableSTT(), tts=CountingTTS())
        self.asked: list[Ringing] = []

    def open_desk(self) -> None:
        async def agent_for(ringing: Ringing) -> Agent | None:
            self.asked.append(ringing)
            return self.agent

        self.reception.answer_with(Desk(agent_for=agent_for, goal="Take messages."))

    async def ring(self, event: InboundCall = RINGS) -> str:
        answer = await self.reception.ring(event)
        return answer.response.body.decode()

    async def close(self) -> None:
        for call in self.lines:
            call.hang_up_now("the test is over")
        await self.emptied()
        await self.hang_ups.close()
        self.pacer.close()
        await self.journal.close()

    async def emptied(self) -> None:
        async with asyncio.timeout(30):
            while self.lines.admission.taken or any(self.lines):  # noqa: ASYNC110 -- time stands still
                await asyncio.sleep(0)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}")
    house = House(store)
    yield house
    await house.close()
    await store.close()


async def test_whoever_is_at_the_desk_takes_the_call(house: House) -> None:
    house.open_desk()
    url, token = (await house.ring()).split()
    [call] = house.lines
    assert url == f"wss://phone.example.org/ws/op/stream/{call.call_id}"
    assert call.parameters == {"token": token}
    [ringing] = house.asked
    assert (ringing.call_id, ringing.carrier_call_id) == (call.call_id, "CA1")
    assert (ringing.from_number, ringing.to_number) == (CALLER, OURS)
    view = call.record.view(0.0)
    assert (view.direction, view.goal, view.status) == ("inbound", "Take messages.", "ringing")


async def test_without_a_desk_all_are_turned_away(house: House) -> None:
    assert await house.ring() == "busy"
    assert not any(house.lines)


async def test_a_carrier_that_asks_again_gets_the_same_answer(house: House) -> None:
    house.open_desk()
    assert await house.ring() == await house.ring()
    assert len(house.asked) == 1
    assert house.lines.admission.taken == 1


async def test_a_carrier_that_asks_again_while_the_desk_thinks_waits_for_the_same_answer(house: House) -> None:
    thought = asyncio.Event()

    async def thinks(ringing: Ringing) -> Agent:
        await thought.wait()
        return house.agent

    house.reception.answer_with(Desk(agent_for=thinks))
    first, second = asyncio.create_task(house.ring()), asyncio.create_task(house.ring())
    await asyncio.sleep(0)
    thought.set()
    assert await first == await second
    assert house.lines.admission.taken == 1


async def test_who_was_turned_away_stays_so(house: House) -> None:
    assert await house.ring() == "busy"
    house.open_desk()
    assert await house.ring() == "busy", "a copy of an old request must not open a call"
    assert not house.asked


async def test_a_call_that_is_over_does_not_ring_again(house: House) -> None:
    house.open_desk()
    await house.ring()
    [call] = house.lines
    call.hang_up_now("done")
    await house.emptied()
    with pytest.raises(Replayed):
        await house.ring()
    assert house.lines.admission.taken == 0


async def test_not_even_to_an_engine_that_was_restarted(house: House) -> None:
    house.open_desk()
    await house.ring()
    [call] = house.lines
    call.hang_up_now("done")
    await house.emptied()
    restarted = Reception(house.lines, house.archive)
    await restarted.recall()
    with pytest.raises(Replayed):
        await restarted.ring(RINGS)


async def test_when_all_lines_are_busy_the_next_caller_hears_so(house: House) -> None:
    house.open_desk()
    await house.ring()
    await house.ring(InboundCall("CA2", CALLER, OURS))
    assert await house.ring(InboundCall("CA3", CALLER, OURS)) == "busy"
    assert house.lines.admission.taken == 2


async def test_a_desk_that_wants_nobody_gives_the_slot_back(house: House) -> None:
    async def nobody(ringing: Ringing) -> None:
        return None

    house.reception.answer_with(Desk(agent_for=nobody))
    assert await house.ring() == "busy"
    assert house.lines.admission.taken == 0


async def test_a_desk_that_thinks_too_long_loses_the_call(house: House) -> None:
    asked = asyncio.Event()

    async def dreams(ringing: Ringing) -> Agent:
        asked.set()
        await asyncio.Event().wait()
        return house.agent

    house.reception.answer_with(Desk(agent_for=dreams))
    ringing = asyncio.create_task(house.ring())
    async with asyncio.timeout(30):
        await asked.wait()
    house.clock.advance(DESK_S)
    assert await ringing == "busy"
    assert house.lines.admission.taken == 0


async def test_a_desk_that_fails_loses_the_call_and_nothing_else(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(ringing: Ringing) -> Agent:
        raise LookupError("no such customer")

    house.reception.answer_with(Desk(agent_for=fails))
    assert await house.ring() == "busy"
    assert house.lines.admission.taken == 0
    assert "no such customer" in caplog.text


async def test_picking_up_may_take_a_command_and_takes_it_once(house: House) -> None:
    commands: list[str] = []

    async def pick_up() -> None:
        commands.append("answer")

    house.operator.command = pick_up
    house.open_desk()
    await house.ring()
    again = await house.reception.ring(RINGS)
    assert again.command is None, "the call carries its own out"
    async with asyncio.timeout(30):
        while not commands:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert commands == ["answer"]


async def test_a_carrier_that_cannot_connect_it_ends_the_call(house: House) -> None:
    async def refuses() -> None:
        raise CarrierError("The call is gone.", carrier_code="90018")

    house.operator.command = refuses
    house.open_desk()
    await house.ring()
    [call] = house.lines
    await house.emptied()
    view = await house.archive.get(call.call_id)
    assert (view.outcome, view.error_code) == ("failed", "carrier")
    assert house.operator.hung_up == ["CA1"]
