from __future__ import annotations

import asyncio

import pytest

from getpatter.carriers.base import WebhookResponse
from getpatter.server.deliveries import REMEMBERED_S, Deliveries
from getpatter.testing.clock import ManualClock


class Handler:
    def __init__(self) -> None:
        self.handled = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.fault: Exception | None = None

    async def __call__(self) -> WebhookResponse:
        self.handled += 1
        await self.may_go_on.wait()
        if self.fault is not None:
            raise self.fault
        return WebhookResponse(f"answer {self.handled}".encode())


async def test_a_repeat_gets_the_first_answer_and_changes_nothing() -> None:
    deliveries, handler = Deliveries(ManualClock()), Handler()
    first = await deliveries.once("d1", handler)
    assert await deliveries.once("d1", handler) == first
    assert handler.handled == 1
    assert await deliveries.once("d2", handler) != first


async def test_what_has_no_id_is_always_handled() -> None:
    deliveries, handler = Deliveries(ManualClock()), Handler()
    await deliveries.once("", handler)
    await deliveries.once("", handler)
    assert handler.handled == 2


async def test_a_repeat_that_comes_meanwhile_waits_for_the_first() -> None:
    deliveries, handler = Deliveries(ManualClock()), Handler()
    handler.may_go_on.clear()
    both = [asyncio.create_task(deliveries.once("d1", handler)) for _ in range(2)]
    while not handler.handled:  # noqa: ASYNC110 -- only what is ready happens
        await asyncio.sleep(0)
    handler.may_go_on.set()
    async with asyncio.timeout(30):
        one, other = await asyncio.gather(*both)
    assert one == other
    assert handler.handled == 1


async def test_a_delivery_whose_handling_failed_may_come_again() -> None:
    deliveries, handler = Deliveries(ManualClock()), Handler()
    handler.fault = RuntimeError("the store is away")
    with pytest.raises(RuntimeError):
        await deliveries.once("d1", handler)
    handler.fault = None
    assert (await deliveries.once("d1", handler)).body == b"answer 2"


async def test_a_repeat_that_waited_for_one_that_failed_is_handled_itself() -> None:
    deliveries, handler = Deliveries(ManualClock()), Handler()
    handler.may_go_on.clear()
    first = asyncio.create_task(deliveries.once("d1", handler))
    second = asyncio.create_task(deliveries.once("d1", handler))
    await asyncio.sleep(0)
    first.cancel()
    handler.may_go_on.set()
    async with asyncio.timeout(30):
        assert (await second).body == b"answer 2"


async def test_deliveries_are_forgotten_in_the_end() -> None:
    clock = ManualClock()
    deliveries, handler = Deliveries(clock), Handler()
    await deliveries.once("d1", handler)
    clock.advance(REMEMBERED_S)
    await deliveries.once("d1", handler)
    assert handler.handled == 2
