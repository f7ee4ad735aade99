from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
from sqlalchemy import text

from getpatter import events
from getpatter.events import CallAnswered, CallDialed, CallEnded, CallPlaced, DtmfPressed, Outcome, Turn, TurnLatency
from getpatter.observability.bus import EventBus
from getpatter.store import Journal, Store
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
    """An answered call out, a busy one out, a call in that goes on."""
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
    database = connect(url)
    async with database.write() as connection:
        await connection.execute(text("UPDATE call SET deleted_at = 1 WHERE id = 'out'"))
    await database.close()
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
