from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from getpatter import events
from getpatter.errors import StoreError
from getpatter.events import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallPriced,
    DtmfPressed,
    Recorded,
    SpeechStarted,
    ToolCalled,
    TranscriptInterim,
    Turn,
    TurnLatency,
)
from getpatter.observability.bus import EventBus
from getpatter.store import Journal, Store
from getpatter.testing.clock import ManualClock

Placed = Callable[..., CallPlaced]


@pytest.fixture
async def journal(store: Store, bus: EventBus, clock: ManualClock) -> AsyncIterator[Journal]:
    opened = store.journal(bus, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
async def lockable(tmp_path: Path) -> AsyncIterator[Store]:
    """A store that gives up on a lock at once."""
    opened = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}?timeout=0.001")
    yield opened
    await opened.close()


class Lock:
    """Another process that holds the database's write lock."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        self._connection.close()


@pytest.fixture
async def locked(lockable: Store, tmp_path: Path) -> AsyncIterator[Lock]:
    lock = Lock(tmp_path / "calls.db")
    yield lock
    lock.release()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110  (a database sends no word)
            await asyncio.sleep(0)


def stored(store: Store, count: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return len(await store.calls.events()) >= count

    return enough


def timer_set(clock: ManualClock) -> Callable[[], Awaitable[bool]]:
    async def waits() -> bool:
        return clock.next_timer is not None

    return waits


def ended(call_id: str = "c1") -> CallEnded:
    return CallEnded(
        call_id=call_id, at=130.0, outcome="answered", ended_by="caller", reason="hung up", duration_s=27.0
    )


def digit(call_id: str = "c1") -> DtmfPressed:
    return DtmfPressed(call_id=call_id, at=120.0, role="caller", digit="1")


async def test_a_call_becomes_its_rows(store: Store, bus: EventBus, journal: Journal, placed: Placed) -> None:
    latency = TurnLatency(stt_ms=80.0, response_ms=450.0)
    said = Turn(
        call_id="c1", at=110.0, index=0, role="agent", text="Hello", started_at=109.0, ended_at=110.0, latency=latency
    )
    tool = ToolCalled(call_id="c1", at=115.0, tool_call_id="t1", name="look_up", arguments="{}", result="42")
    wav = Recorded(call_id="c1", at=129.0, path="/r/c1.wav", duration_s=27.0, bytes=864_044)
    published = [
        bus.publish(event)
        for event in (placed(notes=("scripted",)), CallAnswered(call_id="c1", at=103.0), said, tool, wav, ended())
    ]
    await journal.flush()
    call = await store.calls.get("c1")
    assert call is not None
    assert (call.status, call.outcome, call.notes, call.turns) == ("ended", "answered", ["scripted"], 1)
    assert (call.recording, call.response_ms_p50, call.last_seq) == ("/r/c1.wav", 450.0, 6)
    assert set(call.latency) == {"stt_ms", "response_ms"}
    assert [(row.text, row.latency) for row in await store.calls.turns("c1")] == [
        ("Hello", {"stt_ms": 80.0, "response_ms": 450.0})
    ]
    assert [(row.name, row.result) for row in await store.calls.tools("c1")] == [("look_up", "42")]
    assert [(row.path, row.bytes) for row in await store.calls.recordings("c1")] == [("/r/c1.wav", 864_044)]
    assert [events.decode(row.data) for row in await store.calls.events()] == published


async def test_events_are_written_a_quarter_of_a_second_after_the_first(
    store: Store, bus: EventBus, clock: ManualClock, journal: Journal, placed: Placed
) -> None:
    bus.publish(placed())
    assert clock.next_timer == clock.now() + 0.25
    clock.advance(0.2)
    bus.publish(digit())
    clock.advance(0.05)
    await until(stored(store, 2))


async def test_an_idle_journal_sets_no_timer(store: Store, clock: ManualClock, journal: Journal) -> None:
    await journal.flush()
    assert clock.next_timer is None


async def test_the_end_of_a_call_is_written_at_once(
    store: Store, bus: EventBus, clock: ManualClock, journal: Journal, placed: Placed
) -> None:
    bus.publish(placed())
    bus.publish(ended())
    await until(stored(store, 2))


async def test_what_only_shows_the_moment_is_not_written(
    store: Store, bus: EventBus, journal: Journal, placed: Placed
) -> None:
    bus.publish(placed())
    bus.publish(SpeechStarted(call_id="c1", at=104.0, role="caller"))
    bus.publish(TranscriptInterim(call_id="c1", at=105.0, text="I would"))
    bus.publish(digit())
    await journal.flush()
    assert [(row.type, row.seq) for row in await store.calls.events()] == [("placed", 1), ("dtmf", 4)]


async def test_closing_writes_what_is_left(store: Store, bus: EventBus, clock: ManualClock, placed: Placed) -> None:
    journal = store.journal(bus, clock=clock)
    bus.publish(placed())
    await journal.close()
    bus.publish(digit())
    assert [row.type for row in await store.calls.events()] == ["placed"]
    assert clock.next_timer is None


async def test_closing_lets_a_transaction_under_way_finish(
    store: Store, bus: EventBus, clock: ManualClock, placed: Placed
) -> None:
    for number in range(20):
        journal = store.journal(bus, clock=clock)
        bus.publish(placed(f"c{number}"))
        bus.publish(ended(f"c{number}"))
        for _ in range(number):
            await asyncio.sleep(0)
        await journal.close()
    assert len(await store.calls.events()) == 40


async def test_more_than_one_batch_is_written(store: Store, bus: EventBus, journal: Journal, placed: Placed) -> None:
    bus.publish(placed())
    for _ in range(1_000):
        bus.publish(digit())
    await journal.flush()
    assert len(await store.calls.events(limit=2_000)) == 1_001


async def test_events_wait_while_the_database_is_locked(
    lockable: Store,
    locked: Lock,
    bus: EventBus,
    clock: ManualClock,
    placed: Placed,
    caplog: pytest.LogCaptureFixture,
) -> None:
    journal = lockable.journal(bus, clock=clock)
    bus.publish(placed())
    waits = []
    for _ in range(8):
        due = clock.next_timer
        assert due is not None
        waits.append(due - clock.now())
        clock.advance(waits[-1])
        await until(timer_set(clock))
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert [record.levelno for record in caplog.records if record.name.startswith("getpatter")] == [logging.WARNING]
    with pytest.raises(StoreError, match="locked"):
        await journal.flush()
    bus.publish(ended())
    locked.release()
    clock.advance(10.0)
    await until(stored(lockable, 2))
    await journal.close()
    assert journal.dropped == 0


async def test_memory_is_bounded_and_ends_outlast_details(
    lockable: Store, locked: Lock, bus: EventBus, clock: ManualClock, placed: Placed
) -> None:
    journal = lockable.journal(bus, clock=clock, max_pending=20)
    bus.publish(placed())
    for _ in range(30):
        bus.publish(digit())
    bus.publish(ended())
    bus.publish(placed("c2"))
    bus.publish(placed("c3"))
    assert journal.dropped == 14
    locked.release()
    await journal.close()
    assert [row.type for row in await lockable.calls.events()] == ["placed"] + ["dtmf"] * 17 + ["ended", "placed"]


async def test_a_lost_tail_is_told_at_the_close(
    lockable: Store,
    locked: Lock,
    bus: EventBus,
    clock: ManualClock,
    placed: Placed,
    caplog: pytest.LogCaptureFixture,
) -> None:
    journal = lockable.journal(bus, clock=clock)
    bus.publish(placed())
    bus.publish(digit())
    await journal.close()
    assert "2 events are lost" in caplog.text


async def test_a_call_that_the_database_refuses_takes_no_other_with_it(
    store: Store, bus: EventBus, journal: Journal, placed: Placed, caplog: pytest.LogCaptureFixture
) -> None:
    bus.publish(placed("c1"))
    bus.publish(placed("c2"))
    # SQLite takes NaN for NULL, PostgreSQL has no room for the index.
    bus.publish(
        Turn(call_id="c1", at=110.0, index=2**40, role="agent", text="Hello", started_at=109.0, ended_at=math.nan)
    )
    await journal.flush()
    assert await store.calls.get("c1") is None
    assert await store.calls.get("c2") is not None
    assert "2 events of call c1 are lost" in caplog.text
    assert "Hello" not in caplog.text


async def test_an_event_without_a_beginning_is_not_stored(
    store: Store, bus: EventBus, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    bus.publish(digit("unknown"))
    await journal.flush()
    assert await store.calls.events() == []
    assert "call unknown" in caplog.text


async def test_what_the_store_has_recorded_itself_is_not_written_again(
    store: Store, bus: EventBus, journal: Journal, placed: Placed, caplog: pytest.LogCaptureFixture
) -> None:
    bus.publish(placed("c1"))
    bus.publish(
        CallEnded(call_id="c1", at=130.0, outcome="busy", ended_by="carrier", reason="", duration_s=0.0),
    )
    await journal.flush()
    price = await store.calls.amend(
        CallPriced(call_id="c1", at=140.0, amount_micros=0, currency="USD", source="carrier")
    )
    assert price is not None
    bus.relay(price)
    await journal.flush()
    assert [row.type for row in await store.calls.events(call_id="c1")] == ["placed", "ended", "priced"]
    assert not caplog.records
