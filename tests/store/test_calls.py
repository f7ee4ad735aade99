from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from getpatter import events
from getpatter.events import (
    Amendment,
    CallAnswered,
    CallDialed,
    CallEnded,
    CallPlaced,
    CallPriced,
    CarrierRecorded,
    CostSource,
    DtmfPressed,
    Outcome,
    Turn,
    TurnLatency,
)
from getpatter.observability.bus import EventBus
from getpatter.store import CallRow, Journal, Store
from getpatter.store.database import connect
from getpatter.testing.clock import ManualClock

Placed = Callable[..., CallPlaced]


@pytest.fixture
async def journal(store: Store, bus: EventBus, clock: ManualClock) -> AsyncIterator[Journal]:
    opened = store.journal(bus, clock=clock)
    yield opened
    await opened.close()


def ended(call_id: str, outcome: Outcome = "answered") -> CallEnded:
    return CallEnded(call_id=call_id, at=130.0, outcome=outcome, ended_by="caller", reason="", duration_s=0.0)


def turn(call_id: str, index: int, *, at: float = 110.0, response_ms: float | None = None) -> Turn:
    return Turn(
        call_id=call_id,
        at=at,
        index=index,
        role="agent",
        text=f"turn {index}",
        started_at=at - 1,
        ended_at=at,
        latency=TurnLatency(response_ms=response_ms),
    )


@pytest.fixture
async def three(store: Store, bus: EventBus, journal: Journal, placed: Placed) -> Store:
    """An answered call out, a busy one out that the carrier never named, a call in that goes on."""
    bus.publish(placed("out", at=100.0, key="k1"))
    bus.publish(CallDialed(call_id="out", at=100.5, carrier_call_id="CA1"))
    bus.publish(CallAnswered(call_id="out", at=103.0))
    bus.publish(ended("out"))
    bus.publish(placed("busy", at=200.0, to_number="+12025550101"))
    bus.publish(ended("busy", "busy"))
    bus.publish(placed("in", at=300.0, direction="inbound", from_number="+4930123456", to_number="+12025550199"))
    await journal.flush()
    return store


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["in", "busy", "out"]),
        ({"status": "ended"}, ["busy", "out"]),
        ({"direction": "inbound"}, ["in"]),
        ({"outcome": "busy"}, ["busy"]),
        ({"number": "+4930"}, ["in"]),
        ({"number": "0199"}, ["in", "busy", "out"]),
        ({"number": "%"}, []),
        ({"before": 300.0}, ["busy", "out"]),
        ({"limit": 1}, ["in"]),
        ({"before": 300.0, "limit": 1, "status": "ended"}, ["busy"]),
    ],
)
async def test_calls_are_listed_newest_first(three: Store, filters: dict[str, object], expected: list[str]) -> None:
    listed = await three.calls.list(**filters)  # type: ignore[arg-type]  # filters by name
    assert [row.id for row in listed] == expected


async def test_a_call_is_found_by_its_ids(three: Store) -> None:
    found = [
        await three.calls.get("out"),
        await three.calls.by_key("k1"),
        await three.calls.by_carrier_call_id("sim", "CA1"),
    ]
    assert [row and row.id for row in found] == ["out"] * 3


async def test_a_call_that_is_not_there_is_none(three: Store) -> None:
    assert await three.calls.get("nobody") is None
    assert await three.calls.by_key("") is None
    assert await three.calls.by_carrier_call_id("twilio", "CA1") is None


async def test_a_deleted_call_is_not_shown(three: Store, url: str) -> None:
    await change(url, "UPDATE call SET deleted_at = 1 WHERE id = 'out'")
    assert await three.calls.get("out") is None
    assert [row.id for row in await three.calls.list()] == ["in", "busy"]


async def test_turns_are_read_in_pages(store: Store, bus: EventBus, journal: Journal, placed: Placed) -> None:
    bus.publish(placed("c1"))
    for index in range(5):
        bus.publish(turn("c1", index))
    await journal.flush()
    assert [row.index for row in await store.calls.turns("c1")] == [0, 1, 2, 3, 4]
    assert [row.index for row in await store.calls.turns("c1", after=1, limit=2)] == [2, 3]


async def test_a_reader_of_events_resumes_behind_the_last_it_saw(three: Store) -> None:
    first = await three.calls.events(limit=3)
    rest = await three.calls.events(after_id=first[-1].id or 0)
    assert [row.type for row in (*first, *rest)] == [
        "placed",
        "dialed",
        "answered",
        "ended",
        "placed",
        "ended",
        "placed",
    ]
    assert [row.call_id for row in await three.calls.events(call_id="busy")] == ["busy", "busy"]
    assert events.decode(rest[0].data) == msgspec.structs.replace(ended("out"), seq=4)


async def test_calls_that_a_crash_left_open_are_closed(
    store: Store, bus: EventBus, journal: Journal, placed: Placed
) -> None:
    bus.publish(placed("talking", at=100.0))
    bus.publish(CallAnswered(call_id="talking", at=103.0))
    bus.publish(turn("talking", 0, at=110.0, response_ms=400.0))
    bus.publish(DtmfPressed(call_id="talking", at=123.5, role="caller", digit="1"))
    bus.publish(placed("dialled", at=120.0))
    bus.publish(placed("over", at=90.0))
    bus.publish(ended("over"))
    await journal.flush()

    assert await store.calls.interrupt_open(500.0) == ["talking", "dialled"]

    talking = await store.calls.get("talking")
    assert talking is not None
    assert (talking.status, talking.outcome, talking.ended_by) == ("ended", "interrupted", "engine")
    assert (talking.duration_s, talking.ended_at, talking.last_seq) == (20.5, 500.0, 5)
    assert (talking.turns, talking.response_ms_p50) == (1, 400.0)
    assert talking.reason.startswith("The engine stopped without closing the call")
    dialled = await store.calls.get("dialled")
    assert dialled is not None
    assert (dialled.outcome, dialled.duration_s) == ("interrupted", 0.0)
    last = events.decode((await store.calls.events(call_id="talking"))[-1].data)
    assert isinstance(last, CallEnded)
    assert (last.outcome, last.duration_s, last.reason) == ("interrupted", 20.5, talking.reason)


async def test_closing_twice_finds_nothing_open(three: Store) -> None:
    assert await three.calls.interrupt_open(500.0) == ["in"]
    assert await three.calls.interrupt_open(600.0) == []


# -- after the end


def priced(
    amount_micros: int,
    source: CostSource = "carrier",
    *,
    call_id: str = "out",
    at: float = 150.0,
    currency: str = "USD",
) -> CallPriced:
    return CallPriced(call_id=call_id, at=at, amount_micros=amount_micros, currency=currency, source=source)


def recorded(recording_id: str = "RE1", path: str = "/r/out-carrier.wav") -> CarrierRecorded:
    return CarrierRecorded(
        call_id="out", at=160.0, recording_id=recording_id, path=path, duration_s=27.0, bytes=432_044
    )


async def test_an_amendment_is_an_event_of_its_call(three: Store) -> None:
    numbered = await three.calls.amend(priced(14_000))
    assert numbered == msgspec.structs.replace(priced(14_000), seq=5)
    row = await three.calls.get("out")
    assert row is not None
    assert (row.carrier_cost_micros, row.carrier_cost_currency, row.carrier_cost_source) == (14_000, "USD", "carrier")
    assert (row.last_seq, row.updated_at, row.outcome, row.ended_at) == (5, 150.0, "answered", 130.0)
    assert events.decode((await three.calls.events(call_id="out"))[-1].data) == numbered


async def test_the_carriers_price_replaces_the_estimate_and_not_the_other_way_round(three: Store) -> None:
    assert await three.calls.amend(priced(28_000, "estimate"))
    assert await three.calls.amend(priced(14_000))
    assert await three.calls.amend(priced(28_000, "estimate")) is None
    row = await three.calls.get("out")
    assert row is not None
    assert (row.carrier_cost_micros, row.carrier_cost_source, row.last_seq) == (14_000, "carrier", 6)


async def test_a_price_of_nothing_is_known_and_not_unknown(three: Store) -> None:
    row = await three.calls.get("out")
    assert row is not None
    assert row.carrier_cost_micros is None
    assert await three.calls.amend(priced(0, "estimate"))
    row = await three.calls.get("out")
    assert row is not None
    assert (row.carrier_cost_micros, row.carrier_cost_source) == (0, "estimate")


async def test_what_tells_nothing_new_is_not_recorded(three: Store) -> None:
    assert await three.calls.amend(priced(14_000))
    assert await three.calls.amend(priced(14_000, at=170.0)) is None
    assert await three.calls.amend(recorded())
    assert await three.calls.amend(recorded()) is None
    assert [row.type for row in await three.calls.events(call_id="out")][-2:] == ["priced", "carrier_recorded"]


async def test_the_carriers_recording_stands_beside_ours(three: Store) -> None:
    await three.calls.amend(recorded())
    row = await three.calls.get("out")
    assert row is not None
    assert (row.recording, row.carrier_recording) == ("", "/r/out-carrier.wav")
    assert [(kept.carrier_id, kept.path) for kept in await three.calls.recordings("out")] == [
        ("RE1", "/r/out-carrier.wav")
    ]


async def test_only_calls_that_are_over_are_amended(three: Store, url: str) -> None:
    assert await three.calls.amend(priced(1, call_id="in")) is None, "it lives"
    assert await three.calls.amend(priced(1, call_id="nobody")) is None
    await change(url, "UPDATE call SET deleted_at = 1 WHERE id = 'out'")
    assert await three.calls.amend(priced(1)) is None


async def test_amendments_at_once_are_numbered_one_after_the_other(three: Store) -> None:
    both = await asyncio.gather(three.calls.amend(priced(14_000)), three.calls.amend(recorded()))
    assert sorted(numbered.seq for numbered in both if numbered is not None) == [5, 6]


async def test_the_carrier_is_asked_about_calls_that_it_has_named_and_not_priced(three: Store, url: str) -> None:
    assert await three.calls.unsettled("sim") == [("out", 130.0)], "the busy one was never named, the other one lives"
    assert await three.calls.unsettled("twilio") == []
    await three.calls.amend(priced(28_000, "estimate"))
    assert await three.calls.unsettled("sim") == [("out", 130.0)]
    await three.calls.amend(priced(14_000))
    assert await three.calls.unsettled("sim") == []


async def test_a_call_can_be_settled_without_a_price(three: Store) -> None:
    await three.calls.settle("out")
    assert await three.calls.unsettled("sim") == []
    await three.calls.amend(priced(28_000, "estimate"))
    assert await three.calls.unsettled("sim") == [], "an estimate asks for nothing"


prices = st.builds(
    priced,
    st.integers(0, 2**62),
    st.sampled_from(["estimate", "carrier"]),
    currency=st.sampled_from(["USD", "EUR"]),
)
fetched = st.sampled_from([recorded(), recorded("RE2", "/r/out-carrier-RE2.wav"), recorded("RE3", "/r/a.wav")])
call_ids = map("c{}".format, itertools.count())


@pytest.fixture
async def one_store(sqlite_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(sqlite_url)
    yield opened
    await opened.close()


@given(st.lists(prices | fetched, min_size=2, max_size=5), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_amendments_amount_to_the_same_in_any_order(
    one_store: Store, story: list[Amendment], chance: Random
) -> None:
    bus = EventBus()
    journal = one_store.journal(bus)
    rows = []
    for order in (story, chance.sample(story, len(story))):
        call_id = next(call_ids)
        bus.publish(
            CallPlaced(call_id=call_id, at=1.0, direction="outbound", from_number="", to_number="", carrier="sim")
        )
        bus.publish(ended(call_id))
        await journal.flush()
        for amendment in order:
            await one_store.calls.amend(msgspec.structs.replace(amendment, call_id=call_id))
        rows.append(await one_store.calls.get(call_id))
    await journal.close()
    assert told(rows[0]) == told(rows[1])


def told(row: CallRow | None) -> dict[str, object]:
    """All but how many of the amendments told something new when they came."""
    assert row is not None
    return row.model_dump(exclude={"id", "last_seq"})


async def change(url: str, statement: str) -> None:
    database = connect(url)
    async with database.write() as connection:
        await connection.execute(text(statement))
    await database.close()
