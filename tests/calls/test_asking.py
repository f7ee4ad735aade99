"""Asking the carrier what has become of a call."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from getpatter.calls.asking import ASK_S, ask
from getpatter.carriers.base import CarrierCall, Price
from getpatter.errors import CarrierError
from getpatter.testing.carrier import SimCarrier
from getpatter.testing.clock import ManualClock
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory

OVER = CarrierCall("completed", duration_s=61.0, price=Price(Decimal("0.026"), "USD"))


class Office(SimCarrier):
    """A carrier that can be asked about calls, and takes its time."""

    def __init__(self, answer: CarrierCall | CarrierError) -> None:
        super().__init__(SimNetwork(Directory([]), b""), b"")
        self.answer = answer
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()

    async def fetch_call(self, carrier_call_id: str) -> CarrierCall:
        self.asked.set()
        await self.answers.wait()
        if isinstance(self.answer, CarrierError):
            raise self.answer
        return self.answer


async def test_the_carrier_says_how_the_call_stands() -> None:
    office = Office(OVER)
    office.answers.set()
    assert await ask(office, "CA1", ManualClock()) == OVER


async def test_a_carrier_that_refuses_knows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    office = Office(CarrierError("There is no such call."))
    office.answers.set()
    assert await ask(office, "CA1", ManualClock()) is None
    assert "There is no such call." in caplog.text


async def test_a_carrier_that_says_nothing_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    office, clock = Office(OVER), ManualClock()
    question = asyncio.create_task(ask(office, "CA1", clock))
    async with asyncio.timeout(30):
        await office.asked.wait()
        clock.advance(ASK_S)
        assert await question is None
    assert "did not say within" in caplog.text
