"""Lines that are to be closed, by a carrier that may be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from getpatter.calls.hang_ups import ORPHAN_S, SETTLE_S, TRY_S, WAITS_S, HangUps
from getpatter.calls.legs import Legs
from getpatter.carriers.base import CallRenamed, StatusChanged
from getpatter.errors import CarrierError
from getpatter.testing.clock import ManualClock
from getpatter.testing.told_carrier import ToldCarrier


class Company(ToldCarrier):
    """Refuses as often as it is told, and does not answer at all while `mute`."""

    def __init__(self) -> None:
        super().__init__()
        self.tried: list[str] = []
        self.refusals = 0
        self.mute = False

    async def hang_up(self, carrier_call_id: str) -> None:
        self.tried.append(carrier_call_id)
        if self.mute:
            await asyncio.Event().wait()
        if self.refusals:
            self.refusals -= 1
            raise CarrierError("The API is away.")
        await super().hang_up(carrier_call_id)


class House:
    def __init__(self) -> None:
        self.clock, self.company, self.legs = ManualClock(), Company(), Legs()
        self.hang_ups = HangUps(self.company, self.legs, self.clock)

    async def after(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    house.company.mute = False
    await house.hang_ups.close()


async def test_a_line_is_closed_at_once(house: House) -> None:
    await house.hang_ups.let_go("CA1")
    assert house.company.hung_up == ["CA1"]


async def test_a_carrier_that_is_away_is_asked_until_it_is_back(house: House) -> None:
    house.company.refusals = 3
    closing = house.hang_ups.let_go("CA1")
    await settle()
    for wait_s in WAITS_S[:3]:
        assert house.company.hung_up == []
        await house.after(wait_s)
    assert house.company.hung_up == ["CA1"]
    assert closing.done()


async def test_a_carrier_that_says_nothing_is_asked_again(house: House) -> None:
    house.company.mute = True
    house.hang_ups.let_go("CA1")
    await settle()
    await house.after(TRY_S)
    house.company.mute = False
    await house.after(WAITS_S[0])
    assert house.company.hung_up == ["CA1"]


async def test_a_call_that_is_over_is_left_alone(house: House) -> None:
    house.company.refusals = 1
    closing = house.hang_ups.let_go("CA1")
    await settle()
    house.legs.tell(StatusChanged("CA1", "completed"))
    await settle()
    assert closing.done()
    assert house.company.tried == ["CA1"]


async def test_a_carrier_that_has_ended_the_stream_has_a_moment_to_end_the_call(house: House) -> None:
    house.hang_ups.let_go("CA1", grace_s=SETTLE_S)
    await settle()
    house.legs.tell(StatusChanged("CA1", "completed"))
    await house.after(SETTLE_S)
    assert house.company.tried == []


async def test_and_is_made_to_when_it_does_not(house: House) -> None:
    house.hang_ups.let_go("CA1", grace_s=SETTLE_S)
    await settle()
    await house.after(SETTLE_S)
    assert house.company.hung_up == ["CA1"]


async def test_a_line_that_is_renamed_meanwhile_is_closed_by_each_of_its_names(house: House) -> None:
    house.company.refusals = 1
    house.hang_ups.let_go("request")
    await settle()
    house.legs.tell(CallRenamed("request", "call"))
    await house.after(WAITS_S[0])
    assert house.company.hung_up == ["request", "call"]


async def test_a_call_that_comes_to_light_late_is_closed(house: House) -> None:
    house.hang_ups.watch_for("call_1")
    await settle()
    await house.after(ORPHAN_S / 2)
    house.legs.tell(CallRenamed("call_1", "v3:abc"))
    house.legs.tell(StatusChanged("v3:abc", "ringing"))
    await settle()
    assert house.company.hung_up == ["v3:abc"]


async def test_one_that_never_does_is_not_waited_for_any_longer(house: House) -> None:
    house.hang_ups.watch_for("call_1")
    await settle()
    await house.after(ORPHAN_S)
    house.legs.tell(CallRenamed("call_1", "v3:abc"))
    await settle()
    assert house.company.tried == []


async def test_an_engine_that_stops_closes_what_is_left_first(house: House) -> None:
    house.hang_ups.let_go("CA1", grace_s=SETTLE_S)
    await settle()
    await house.hang_ups.close()
    assert house.company.hung_up == ["CA1"]


async def test_it_says_so_when_a_line_may_have_stayed_open(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.company.refusals = 1000
    house.hang_ups.let_go("CA1")
    await settle()
    await house.hang_ups.close()
    assert "may have stayed open" in caplog.text
