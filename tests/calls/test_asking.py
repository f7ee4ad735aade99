"""Asking the carrier what has become of a call."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from getpatter.calls.asking import ASK_S, ask
from getpatter.carriers.base import CarrierCall, Price
from getpatter.errors import CarrierError
from getpatter.testing.clock import ManualClock
from getpatter.testing.told_carrier import ToldCarrier

OVER = CarrierCall("completed", duration_s=61.0, price=Price(Decimal("0.026"), "USD"))


@pytest.fixture
def carrier() -> ToldCarrier:
    return ToldCarrier()


async def test_the_carrier_says_how_the_call_stands(carrier: ToldCarrier) -> None:
    carrier.calls["CA1"] = OVER
    assert await ask(carrier, "CA1", ManualClock()) == OVER


async def test_a_carrier_that_refuses_knows_nothing(carrier: ToldCarrier, caplog: pytest.LogCaptureFixture) -> None:
    carrier.calls["CA1"] = CarrierError("There is no such call.")
    assert await ask(carrier, "CA1", ManualClock()) is None
    assert "There is no such call." in caplog.text


@pytest.mark.parametrize("within_s", [ASK_S, 1.0])
async def test_a_carrier_that_says_nothing_is_not_waited_for(
    carrier: ToldCarrier, caplog: pytest.LogCaptureFixture, within_s: float
) -> None:
    carrier.calls["CA1"] = None
    clock = ManualClock()
    question = asyncio.create_task(ask(carrier, "CA1", clock, within_s=within_s))
    await asyncio.sleep(0)
    clock.advance(within_s)
    async with asyncio.timeout(30):
        assert await question is None
    assert f"did not say within {within_s:g} s" in caplog.text
