from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from getpatter.errors import StoreError
from getpatter.store import IncidentRow, Store
from getpatter.store.incidents import COALESCE_S, FLUSH_S, MAX_OPEN, MAX_TEXT, IncidentLog, IncidentStore
from getpatter.testing.clock import ManualClock


@pytest.fixture
async def incidents(store: Store, clock: ManualClock) -> AsyncIterator[IncidentLog]:
    log = store.incident_log(clock)
    yield log
    await log.close()


async def test_a_refusal_is_told_with_all_that_is_known_of_it(
    store: Store, incidents: IncidentLog, clock: ManualClock
) -> None:
    incidents.note("expired", carrier="sim", path="/webhooks/sim/voice", peer="192.0.2.1", detail="an hour old")
    await incidents.flush()
    [row] = await store.incidents.recent()
    assert (row.kind, row.carrier, row.path, row.peer) == ("expired", "sim", "/webhooks/sim/voice", "192.0.2.1")
    assert (row.detail, row.count, row.at, row.last_at) == ("an hour old", 1, clock.wall(), clock.wall())


async def test_the_same_again_within_a_minute_is_counted(
    store: Store, incidents: IncidentLog, clock: ManualClock
) -> None:
    began = clock.wall()
    for _ in range(3):
        incidents.note("malformed", peer="192.0.2.1")
        await incidents.flush()
        clock.advance(COALESCE_S / 3)
    incidents.note("malformed", peer="192.0.2.1")
    await incidents.flush()
    latest, first = await store.incidents.recent()
    assert (first.at, first.count, first.last_at) == (began, 3, began + COALESCE_S * 2 / 3)
    assert (latest.at, latest.count) == (began + COALESCE_S, 1)


async def test_another_kind_peer_or_path_is_another_row(store: Store, incidents: IncidentLog) -> None:
    incidents.note("malformed", peer="192.0.2.1", path="/a")
    incidents.note("too_large", peer="192.0.2.1", path="/a")
    incidents.note("malformed", peer="192.0.2.2", path="/a")
    incidents.note("malformed", peer="192.0.2.1", path="/b")
    await incidents.flush()
    assert len(await store.incidents.recent()) == 4


async def test_a_flood_from_everywhere_is_few_rows(store: Store, incidents: IncidentLog) -> None:
    for number in range(MAX_OPEN * 5):
        incidents.note("unknown_path", peer=f"192.0.2.{number}", path=f"/{number}" + "x" * 1000)
    await incidents.flush()
    rows = await store.incidents.recent(limit=10_000)
    assert len(rows) == MAX_OPEN + 1
    assert sum(row.count for row in rows) == MAX_OPEN * 5
    assert max(len(row.path) for row in rows) == MAX_TEXT
    [others] = [row for row in rows if not row.peer]
    assert others.count == MAX_OPEN * 4


async def test_what_was_noted_is_written_by_itself(store: Store, incidents: IncidentLog, clock: ManualClock) -> None:
    await incidents.flush()
    incidents.note("bad_token")
    clock.advance(FLUSH_S)
    async with asyncio.timeout(30):
        while not await store.incidents.recent():  # noqa: ASYNC110 -- the writer tells nobody
            await asyncio.sleep(0)


async def test_what_was_noted_is_written_at_the_close(store: Store, clock: ManualClock) -> None:
    log = store.incident_log(clock)
    log.note("no_token")
    await log.close()
    assert [row.kind for row in await store.incidents.recent()] == ["no_token"]
    assert clock.next_timer is None


async def test_only_the_latest_rows_are_kept(store: Store) -> None:
    await store.incidents.put(IncidentRow(id=str(number), at=number, last_at=number) for number in range(20))
    await store.incidents.prune(keep=5)
    assert [row.last_at for row in await store.incidents.recent()] == [19, 18, 17, 16, 15]
    assert [row.last_at for row in await store.incidents.recent(limit=2)] == [19, 18]


class Away(IncidentStore):
    """A table that cannot be reached until it is `back`."""

    def __init__(self) -> None:
        self.back = False
        self.retryable = True
        self.rows: list[tuple[str, int]] = []

    async def put(self, rows: Iterable[IncidentRow]) -> None:
        if not self.back:
            raise StoreError("The call store is away.", retryable=self.retryable)
        self.rows = [(row.kind, row.count) for row in rows]

    async def prune(self, keep: int = 0) -> None:
        pass


async def test_refusals_wait_for_a_store_that_is_away(clock: ManualClock) -> None:
    away = Away()
    log = IncidentLog(away, clock)
    log.note("bad_token")
    with pytest.raises(StoreError):
        await log.flush()
    log.note("bad_token")
    log.note("malformed")
    away.back = True
    await log.close()
    assert away.rows == [("bad_token", 2), ("malformed", 1)]


async def test_what_the_store_will_never_take_is_let_go(clock: ManualClock) -> None:
    away = Away()
    away.retryable = False
    log = IncidentLog(away, clock)
    log.note("bad_token")
    with pytest.raises(StoreError):
        await log.flush()
    away.back = True
    log.note("malformed")
    await log.close()
    assert away.rows == [("malformed", 1)]
