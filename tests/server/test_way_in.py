from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from getpatter.carriers.base import NumberSetup
from getpatter.errors import CarrierError
from getpatter.server.way_in import FIRST_RETRY_S, WayIn
from getpatter.testing.carrier import SimCarrier
from getpatter.testing.clock import ManualClock
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory
from getpatter.tunnels.base import Moved

NUMBER = "+12025550199"


class Company(SimCarrier):
    """Writes down where its number was pointed, and refuses as often as it is told."""

    def __init__(self) -> None:
        super().__init__(SimNetwork(Directory([]), b""), b"")
        self.pointed: list[tuple[str, str]] = []
        self.refusals = 0

    async def configure_number(self, number: str, webhooks_url: str) -> NumberSetup:
        if self.refusals:
            self.refusals -= 1
            raise CarrierError("The number is not yours.")
        self.pointed.append((number, webhooks_url))
        return NumberSetup(number, changed=True)


class Rope:
    """A tunnel that moves when it is told."""

    def __init__(self) -> None:
        self.port = 0
        self.closed = False

    async def open(self, port: int, moved: Moved) -> str:
        self.port, self.move = port, moved
        return "https://one.example.org"

    async def close(self) -> None:
        self.closed = True


class House:
    def __init__(self) -> None:
        self.clock, self.company, self.rope = ManualClock(), Company(), Rope()
        self.told: list[str] = []
        self.ways: list[WayIn] = []

    def way_in(self, *, tunnelled: bool = True, manages_number: bool = True) -> WayIn:
        way = WayIn(
            self.company,
            self.clock,
            number=NUMBER,
            manages_number=manages_number,
            tunnel=self.rope if tunnelled else None,
            reachable_at=self.told.append,
        )
        self.ways.append(way)
        return way


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    for way in house.ways:
        await way.close()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_without_a_tunnel_we_are_where_we_are_said_to_be(house: House) -> None:
    await house.way_in(tunnelled=False).open(8080, "https://phone.example.org/")
    assert house.told == ["https://phone.example.org"]


async def test_a_tunnel_leads_to_the_port(house: House) -> None:
    way = house.way_in()
    await way.open(8080, "http://127.0.0.1:8080")
    assert house.rope.port == 8080
    assert house.told == [way.url] == ["https://one.example.org"]
    await way.close()
    assert house.rope.closed


async def test_the_number_is_left_alone_until_somebody_answers(house: House) -> None:
    way = house.way_in()
    await way.open(8080, "")
    house.rope.move("https://two.example.org")
    await settle()
    assert house.company.pointed == []
    await way.answer()
    assert house.company.pointed == [(NUMBER, "https://two.example.org/webhooks/sim")]


async def test_the_number_follows_the_tunnel(house: House) -> None:
    way = house.way_in()
    await way.open(8080, "")
    await way.answer()
    house.rope.move("https://two.example.org")
    await settle()
    assert house.told[-1] == "https://two.example.org"
    assert house.company.pointed[-1] == (NUMBER, "https://two.example.org/webhooks/sim")


async def test_it_is_tried_until_the_carrier_does_it(house: House, caplog: pytest.LogCaptureFixture) -> None:
    way = house.way_in()
    await way.open(8080, "")
    await way.answer()
    house.company.refusals = 2
    house.rope.move("https://two.example.org")
    await settle()
    house.clock.advance(FIRST_RETRY_S)
    await settle()
    assert len(house.company.pointed) == 1
    house.clock.advance(2 * FIRST_RETRY_S)
    await settle()
    assert len(house.company.pointed) == 2
    assert "not yours" in caplog.text


async def test_whoever_begins_to_answer_hears_of_a_refusal(house: House) -> None:
    way = house.way_in()
    await way.open(8080, "")
    house.company.refusals = 1
    with pytest.raises(CarrierError, match="not yours"):
        await way.answer()


async def test_a_number_that_somebody_else_manages_is_not_touched(house: House) -> None:
    way = house.way_in(manages_number=False)
    await way.open(8080, "")
    await way.answer()
    house.rope.move("https://two.example.org")
    await settle()
    assert house.company.pointed == []
