"""All that is done about calls once they are over, as an engine has it done that starts after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from getpatter.calls.after_calls import AfterCalls
from getpatter.calls.ledger import Ledger
from getpatter.calls.settling import ASK_AT_S
from getpatter.carriers.base import Capabilities, CarrierCall, Price, RecordingReady
from getpatter.errors import CarrierError
from getpatter.events import CallDialed, CallPlaced, CallPriced, Event
from getpatter.observability.bus import EventBus
from getpatter.store import Journal, Store
from getpatter.testing.clock import ManualClock
from getpatter.testing.told_carrier import ToldCarrier

REFUSED = CarrierError("not now")


class Simulated(ToldCarrier):
    capabilities = Capabilities(simulated=True)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}")
    yield opened
    await opened.close()


@pytest.fixture
async def interrupted(store: Store) -> list[str]:
    """A call that an engine was killed in."""
    bus = EventBus()
    journal = store.journal(bus)
    bus.publish(
        CallPlaced(
            call_id="c1",
            at=ManualClock().wall() - 61.0,
            direction="outbound",
            from_number="+12025550199",
            to_number="+12125550100",
            carrier="twilio",
        )
    )
    bus.publish(CallDialed(call_id="c1", at=ManualClock().wall() - 60.0, carrier_call_id="CA1"))
    await journal.close()
    return list(await store.calls.interrupt_open(ManualClock().wall()))


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
async def journal(store: Store, bus: EventBus) -> AsyncIterator[Journal]:
    opened = store.journal(bus)
    yield opened
    await opened.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 -- the store answers from a thread of its own
            await asyncio.sleep(0)


async def test_a_call_left_open_is_hung_up_and_priced(
    store: Store, bus: EventBus, journal: Journal, interrupted: list[str], tmp_path: Path
) -> None:
    carrier, clock = ToldCarrier(), ManualClock()
    carrier.calls["CA1"] = CarrierCall("in_progress")
    heard: list[Event] = []
    bus.subscribe(heard.append)
    after = AfterCalls(carrier, Ledger(store.calls, journal, bus), clock, tmp_path / "recordings")
    after.start(interrupted)
    await until(lambda: carrier.hung_up == ["CA1"] and clock.next_timer == ASK_AT_S[0])
    carrier.calls["CA1"] = CarrierCall("completed", price=Price(Decimal("0.014"), "EUR"))
    clock.advance(ASK_AT_S[0])
    await until(lambda: any(isinstance(event, CallPriced) and event.source == "carrier" for event in heard))
    await after.stop()
    row = await store.calls.get("c1")
    assert row is not None
    assert (row.carrier_cost_micros, row.carrier_cost_currency, row.carrier_settled) == (14_000, "EUR", True)


async def test_nothing_is_done_about_simulated_calls(
    store: Store, bus: EventBus, journal: Journal, interrupted: list[str], tmp_path: Path
) -> None:
    carrier = Simulated()
    after = AfterCalls(carrier, Ledger(store.calls, journal, bus), ManualClock(), tmp_path / "recordings")
    before = asyncio.all_tasks()
    after.start(interrupted)
    assert asyncio.all_tasks() == before
    await after.stop()
    assert not carrier.asked


async def test_a_stop_leaves_no_task_behind(
    store: Store, bus: EventBus, journal: Journal, interrupted: list[str], tmp_path: Path
) -> None:
    carrier = ToldCarrier()
    carrier.calls["CA1"] = None
    carrier.recordings["RE1"] = [REFUSED]
    before = asyncio.all_tasks()
    after = AfterCalls(carrier, Ledger(store.calls, journal, bus), ManualClock(), tmp_path / "recordings")
    after.start(interrupted)
    after.recording_ready(RecordingReady("CA1", "RE1", "https://recordings.example/RE1"))
    await until(lambda: bool(carrier.asked and carrier.fetched))
    await after.stop()
    assert asyncio.all_tasks() == before
