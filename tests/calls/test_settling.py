"""What the carrier charges for calls that are over."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from getpatter.calls.asking import ASK_S
from getpatter.calls.ledger import Ledger
from getpatter.calls.settling import ASK_AT_S, AT_ONCE, Settler
from getpatter.carriers.base import CarrierCall, Price
from getpatter.errors import CarrierError
from getpatter.events import CallAnswered, CallDialed, CallEnded, CallPlaced, CallPriced, Event
from getpatter.observability.bus import EventBus
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.overrides import with_overrides
from getpatter.pricing.table import PriceTable
from getpatter.store import CallRow, Store
from getpatter.testing.clock import ManualClock
from getpatter.testing.told_carrier import ToldCarrier

UNPRICED = CarrierCall("completed", duration_s=61.0)
PRICED = CarrierCall("completed", duration_s=61.0, price=Price(Decimal("0.0263"), "USD"))


class Office:
    """An engine's store and bus, with a settler that runs; its calls last 61 seconds."""

    def __init__(self, store: Store, carrier: ToldCarrier, clock: ManualClock, prices: PriceTable) -> None:
        self.store = store
        self.carrier = carrier
        self.clock = clock
        self.bus = EventBus()
        self.journal = store.journal(self.bus)  # by the machine's clock, so that all timers of the other are questions
        self.settler = Settler(carrier, Ledger(store.calls, self.journal, self.bus), clock, prices)
        self.heard: list[Event] = []
        self.bus.subscribe(self.heard.append)

    def begin_call(self, call_id: str = "c1", *, to_number: str = "+12125550100", carrier: str = "twilio") -> None:
        at = self.clock.wall() - 61.0
        self.bus.publish(
            CallPlaced(
                call_id=call_id,
                at=at,
                direction="outbound",
                from_number="+12025550199",
                to_number=to_number,
                carrier=carrier,
            )
        )
        self.bus.publish(CallDialed(call_id=call_id, at=at, carrier_call_id=f"CA-{call_id}"))
        self.bus.publish(CallAnswered(call_id=call_id, at=at))

    def end_call(self, call_id: str = "c1") -> None:
        self.bus.publish(
            CallEnded(
                call_id=call_id,
                at=self.clock.wall(),
                outcome="answered",
                ended_by="caller",
                reason="",
                duration_s=61.0,
            )
        )

    def call(self, call_id: str = "c1", *, to_number: str = "+12125550100", carrier: str = "twilio") -> None:
        """One from its beginning to its end."""
        self.begin_call(call_id, to_number=to_number, carrier=carrier)
        self.end_call(call_id)

    @property
    def prices(self) -> list[tuple[int, str]]:
        return [(event.amount_micros, event.source) for event in self.heard if isinstance(event, CallPriced)]

    async def row(self, call_id: str = "c1") -> CallRow:
        found = await self.store.calls.get(call_id)
        assert found is not None
        return found

    async def planned(self) -> None:
        """Return once the next question waits for its time."""
        await until(lambda: self.clock.next_timer is not None)

    async def asked_at_every(self, ages: Sequence[float]) -> None:
        """Let the only call reach these ages, one after the other, at each of which the carrier must be asked once."""
        began = self.clock.now()
        for asked, age in enumerate(ages, start=1):
            await self.age(began + age - 1.0 - self.clock.now())
            assert len(self.carrier.asked) == asked - 1
            self.clock.advance(1.0)
            await until(partial(self._asked, asked))

    def _asked(self, times: int) -> bool:
        return len(self.carrier.asked) == times

    async def age(self, seconds: float) -> None:
        """Let the calls grow this much older, once the next question waits for it."""
        await self.planned()
        self.clock.advance(seconds)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 -- the store answers from a thread of its own
            await asyncio.sleep(0)


@asynccontextmanager
async def opened(
    home: Path, carrier: ToldCarrier, clock: ManualClock, options: str = "", prices: PriceTable = BUILT_IN
) -> AsyncIterator[Office]:
    store = await Store.open(f"sqlite+aiosqlite:///{home / 'calls.db'}{options}")
    office = Office(store, carrier, clock, prices)
    office.settler.start()
    yield office
    await office.settler.stop()
    await office.journal.close()
    await store.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def carrier() -> ToldCarrier:
    told = ToldCarrier()
    told.calls["CA-c1"] = UNPRICED
    return told


@pytest.fixture
async def office(tmp_path: Path, carrier: ToldCarrier, clock: ManualClock) -> AsyncIterator[Office]:
    async with opened(tmp_path, carrier, clock) as running:
        yield running


async def test_an_estimate_is_there_at_once(office: Office) -> None:
    office.call()
    await until(lambda: office.prices == [(28_000, "estimate")])
    row = await office.row()
    assert (row.carrier_cost_micros, row.carrier_cost_source, row.carrier_settled) == (28_000, "estimate", False)
    assert not office.carrier.asked, "no carrier knows yet"


async def test_the_estimate_is_by_the_operators_prices(
    tmp_path: Path, carrier: ToldCarrier, clock: ManualClock
) -> None:
    own = with_overrides(BUILT_IN, {"twilio": {"models": {"outbound +39": {"price": 0.5}}}})
    async with opened(tmp_path, carrier, clock, prices=own) as office:
        office.call(to_number="+390655501")
        await until(lambda: office.prices == [(1_000_000, "estimate")])


async def test_the_carriers_price_replaces_it(office: Office) -> None:
    office.carrier.calls["CA-c1"] = PRICED
    office.call()
    await office.age(ASK_AT_S[0])
    await until(lambda: len(office.prices) == 2)
    assert office.prices == [(28_000, "estimate"), (26_300, "carrier")]
    row = await office.row()
    assert (row.carrier_cost_micros, row.carrier_cost_source, row.carrier_settled) == (26_300, "carrier", True)
    assert office.clock.next_timer is None, "nothing is left to ask"


async def test_it_asks_ever_more_seldom_until_the_price_is_known(office: Office) -> None:
    office.call()
    await office.asked_at_every(ASK_AT_S[:4])
    office.carrier.calls["CA-c1"] = PRICED
    await office.age(ASK_AT_S[4] - ASK_AT_S[3])
    await until(lambda: (26_300, "carrier") in office.prices)
    assert len(office.carrier.asked) == 5


async def test_after_a_day_it_asks_no_more(office: Office) -> None:
    office.call()
    await office.asked_at_every(ASK_AT_S)
    async with asyncio.timeout(30):
        while not (row := await office.row()).carrier_settled:
            pass
    assert (row.carrier_cost_micros, row.carrier_cost_source) == (28_000, "estimate")
    assert office.clock.next_timer is None


async def test_what_cannot_be_estimated_is_unknown_and_not_nothing(office: Office) -> None:
    office.call(to_number="+4930123456")
    await office.planned()
    assert (await office.row()).carrier_cost_micros is None
    assert office.prices == []


async def test_a_call_that_is_transferred_has_no_price_before_its_end(office: Office) -> None:
    office.carrier.calls["CA-c1"] = CarrierCall("in_progress", price=Price(Decimal("0.01"), "USD"))
    office.call()
    await office.age(ASK_AT_S[0])
    await until(lambda: len(office.carrier.asked) == 1)
    await office.planned()
    assert office.prices == [(28_000, "estimate")]


@pytest.mark.parametrize("said", [CarrierError("Too many requests."), None], ids=["refusal", "silence"])
async def test_a_carrier_that_cannot_say_is_asked_again(office: Office, said: CarrierError | None) -> None:
    office.carrier.calls["CA-c1"] = said
    office.call()
    await office.age(ASK_AT_S[0])
    await until(lambda: len(office.carrier.asked) == 1)
    office.clock.advance(ASK_S)
    office.carrier.calls["CA-c1"] = PRICED
    await office.age(ASK_AT_S[1] - ASK_AT_S[0])
    await until(lambda: (26_300, "carrier") in office.prices)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e9", "-1"])
async def test_a_price_that_cannot_be_is_not_recorded(office: Office, amount: str) -> None:
    office.carrier.calls["CA-c1"] = CarrierCall("completed", price=Price(Decimal(amount), "USD"))
    office.call()
    await office.age(ASK_AT_S[0])
    await until(lambda: len(office.carrier.asked) == 1)
    await office.planned()
    assert office.prices == [(28_000, "estimate")]


async def test_few_calls_are_asked_about_at_once(office: Office) -> None:
    calls = [f"c{n}" for n in range(AT_ONCE + 3)]
    for call_id in calls:
        office.carrier.calls[f"CA-{call_id}"] = None
        office.call(call_id)
    await until(lambda: len(office.prices) == len(calls))
    await office.age(ASK_AT_S[0])
    await until(lambda: len(office.carrier.asked) == AT_ONCE)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(office.carrier.asked) == AT_ONCE
    office.clock.advance(ASK_S)
    await until(lambda: len(office.carrier.asked) == len(calls))


async def test_calls_of_another_carrier_are_not_its_business(office: Office) -> None:
    office.call(carrier="telnyx")
    office.call("c2")
    await until(lambda: len(office.prices) == 1)
    await office.age(ASK_AT_S[0])
    await until(lambda: office.carrier.asked == ["CA-c2"])
    assert (await office.row()).carrier_cost_micros is None


async def test_a_store_that_is_away_is_waited_for(
    tmp_path: Path, carrier: ToldCarrier, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    carrier.calls["CA-c1"] = PRICED
    async with opened(tmp_path, carrier, clock, "?timeout=0.001") as office:
        office.begin_call()
        await office.journal.flush()
        with closing(sqlite3.connect(tmp_path / "calls.db", isolation_level=None)) as somebody:
            somebody.execute("BEGIN IMMEDIATE")
            office.end_call()
            await until(lambda: "waits for the store" in caplog.text)
        await office.age(ASK_AT_S[0])
        await until(lambda: office.prices == [(28_000, "estimate"), (26_300, "carrier")])


async def test_the_next_engine_goes_on_where_one_was_killed(
    tmp_path: Path, carrier: ToldCarrier, clock: ManualClock
) -> None:
    async with opened(tmp_path, carrier, clock) as first:
        first.call()
        await first.age(ASK_AT_S[0])
        await until(lambda: len(carrier.asked) == 1)
    carrier.calls["CA-c1"] = PRICED
    clock.advance(7_200.0)
    async with opened(tmp_path, carrier, clock) as second:
        await until(lambda: second.prices == [(26_300, "carrier")])
        assert (await second.row()).carrier_settled
    async with opened(tmp_path, carrier, clock) as third:
        third.call("c2")
        await third.planned()
    assert carrier.asked == ["CA-c1", "CA-c1"], "what is known is not asked again"


async def test_a_call_that_was_killed_with_its_engine_gets_its_price(
    tmp_path: Path, carrier: ToldCarrier, clock: ManualClock
) -> None:
    carrier.calls["CA-c1"] = PRICED
    async with opened(tmp_path, carrier, clock) as first:
        first.begin_call()
        await first.journal.flush()
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}")
    assert await store.calls.interrupt_open(clock.wall()) == ["c1"]
    await store.close()
    async with opened(tmp_path, carrier, clock) as second:
        await second.age(ASK_AT_S[0])
        await until(lambda: (26_300, "carrier") in second.prices)
        assert (await second.row()).outcome == "interrupted"
