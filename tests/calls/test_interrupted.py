"""Calls that an engine left open when it was killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from getpatter.calls.interrupted import ASK_S, AT_ONCE, IN_ALL_S, settle_interrupted
from getpatter.carriers.base import CarrierCall, CarrierStatus
from getpatter.errors import CarrierError
from getpatter.events import CallAnswered, CallDialed, CallPlaced, Transferred
from getpatter.observability.bus import EventBus
from getpatter.store import Store
from getpatter.testing.clock import ManualClock
from getpatter.testing.told_carrier import ToldCarrier

NOW = 1_700_000_000.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}")
    yield opened
    await opened.close()


@pytest.fixture
def carrier() -> ToldCarrier:
    return ToldCarrier()


async def left_open(store: Store, *call_ids: str, named: bool = True, transferred: bool = False) -> list[str]:
    """Calls that an engine was killed in, as the next one finds them."""
    bus = EventBus()
    journal = store.journal(bus)
    for call_id in call_ids:
        bus.publish(
            CallPlaced(
                call_id=call_id,
                at=NOW,
                direction="outbound",
                from_number="+12025550199",
                to_number="+12025550100",
                carrier="twilio",
            )
        )
        if named:
            bus.publish(CallDialed(call_id=call_id, at=NOW, carrier_call_id=f"CA-{call_id}"))
            bus.publish(CallAnswered(call_id=call_id, at=NOW))
        if transferred:
            bus.publish(Transferred(call_id=call_id, at=NOW, number="+12025550150"))
    await journal.close()
    return list(await store.calls.interrupt_open(NOW + 60.0))


@pytest.mark.parametrize("status", ["queued", "ringing", "in_progress"])
async def test_a_call_that_lives_is_hung_up(store: Store, carrier: ToldCarrier, status: CarrierStatus) -> None:
    carrier.calls["CA-c1"] = CarrierCall(status)
    assert await settle_interrupted(await left_open(store, "c1"), carrier, store.calls, ManualClock()) == ["c1"]
    assert carrier.hung_up == ["CA-c1"]


@pytest.mark.parametrize("status", ["completed", "busy", "no_answer", "failed", "canceled"])
async def test_a_call_that_is_over_is_let_be(store: Store, carrier: ToldCarrier, status: CarrierStatus) -> None:
    carrier.calls["CA-c1"] = CarrierCall(status)
    assert await settle_interrupted(await left_open(store, "c1"), carrier, store.calls, ManualClock()) == []
    assert not carrier.hung_up


async def test_one_of_which_the_carrier_says_nothing_may_live(store: Store, carrier: ToldCarrier) -> None:
    carrier.calls["CA-c1"] = CarrierError("Too many requests.")
    await settle_interrupted(await left_open(store, "c1"), carrier, store.calls, ManualClock())
    assert carrier.hung_up == ["CA-c1"]


async def test_a_call_that_was_given_to_somebody_else_is_theirs(store: Store, carrier: ToldCarrier) -> None:
    carrier.calls["CA-c1"] = CarrierCall("in_progress")
    await settle_interrupted(await left_open(store, "c1", transferred=True), carrier, store.calls, ManualClock())
    assert not carrier.hung_up


async def test_a_call_that_the_carrier_never_named_is_none_of_its(store: Store, carrier: ToldCarrier) -> None:
    await settle_interrupted(await left_open(store, "c1", named=False), carrier, store.calls, ManualClock())
    assert (carrier.asked, carrier.hung_up) == ([], [])


async def test_a_call_of_another_carrier_is_none_of_its(store: Store) -> None:
    telnyx = ToldCarrier("telnyx")
    await settle_interrupted(await left_open(store, "c1"), telnyx, store.calls, ManualClock())
    assert (telnyx.asked, telnyx.hung_up) == ([], [])


async def test_a_carrier_that_is_silent_is_told_to_hang_up_all_the_same(store: Store, carrier: ToldCarrier) -> None:
    carrier.calls["CA-c1"] = None
    clock = ManualClock()
    call_ids = await left_open(store, "c1")
    settling = asyncio.create_task(settle_interrupted(call_ids, carrier, store.calls, clock))
    await asked(carrier, 1)
    clock.advance(ASK_S)
    assert await settling == ["c1"]


async def test_it_ends_in_time_however_many_there_are(
    store: Store, carrier: ToldCarrier, caplog: pytest.LogCaptureFixture
) -> None:
    call_ids = await left_open(store, *(f"c{n}" for n in range(AT_ONCE + 1)))
    carrier.calls.update((f"CA-{call_id}", None) for call_id in call_ids)
    clock = ManualClock()
    settling = asyncio.create_task(settle_interrupted(call_ids, carrier, store.calls, clock))
    await asked(carrier, AT_ONCE)
    clock.advance(IN_ALL_S)
    async with asyncio.timeout(30):
        await settling
    assert "not all could be hung up" in caplog.text


async def asked(carrier: ToldCarrier, times: int) -> None:
    async with asyncio.timeout(30):
        while len(carrier.asked) < times:  # noqa: ASYNC110 -- the store answers from a thread of its own
            await asyncio.sleep(0)
