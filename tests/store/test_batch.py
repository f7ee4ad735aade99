from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import text

from getpatter import events
from getpatter.events import CallAnswered, CallPlaced, Turn
from getpatter.store import CallProjection, CallStore
from getpatter.store.batch import Entry, by_call, write
from getpatter.store.database import Database, connect
from getpatter.store.schema import upgrade

Placed = Callable[..., CallPlaced]


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = connect(url)
    await upgrade(opened)
    yield opened
    await opened.close()


def entry(call: CallProjection, event: events.Event) -> Entry:
    call.apply(event)
    return Entry(call, event, events.encode(event).decode())


def beginning(placed: CallPlaced) -> Entry:
    return Entry(CallProjection.begin(placed), placed, events.encode(placed).decode())


async def put(database: Database, *entries: Entry) -> None:
    async with database.write() as connection:
        await write(connection, entries)


async def test_writing_again_changes_nothing(database: Database, placed: Placed) -> None:
    first = beginning(placed(seq=1))
    turn = Turn(call_id="c1", at=110.0, seq=2, index=0, role="agent", text="Hello", started_at=109.0, ended_at=110.0)
    entries = (first, entry(first.call, turn))
    await put(database, *entries)
    await put(database, *entries)
    calls = CallStore(database)
    assert [row.seq for row in await calls.events()] == [1, 2]
    assert [row.text for row in await calls.turns("c1")] == ["Hello"]


async def test_a_key_belongs_to_the_first_call_that_has_it(database: Database, placed: Placed) -> None:
    await put(database, beginning(placed("c1", seq=1, key="k")))
    await put(database, beginning(placed("c2", seq=1, key="k")), beginning(placed("c3", seq=1, key="other")))
    calls = CallStore(database)
    found = [await calls.get(call_id) for call_id in ("c1", "c2", "c3")]
    assert [row and row.idempotency_key for row in found] == ["k", None, "other"]


async def test_two_calls_of_one_batch_do_not_share_a_key(database: Database, placed: Placed) -> None:
    await put(database, beginning(placed("c1", seq=1, key="k")), beginning(placed("c2", seq=1, key="k")))
    found = await CallStore(database).by_key("k")
    assert found is not None
    assert found.id == "c1"


async def test_what_others_set_on_a_call_stays(database: Database, placed: Placed) -> None:
    first = beginning(placed(seq=1))
    await put(database, first)
    async with database.write() as connection:
        await connection.execute(text("UPDATE call SET deleted_at = 1200"))
    await put(database, entry(first.call, CallAnswered(call_id="c1", at=103.0, seq=2)))
    async with database.write() as connection:
        found = (await connection.execute(text("SELECT status, deleted_at FROM call"))).one()
    assert tuple(found) == ("in_progress", 1200)


async def test_a_nul_in_a_text_is_stored_as_a_replacement_character(database: Database, placed: Placed) -> None:
    await put(database, beginning(placed(seq=1, goal="a\0b")))
    found = await CallStore(database).get("c1")
    assert found is not None
    assert found.goal == "a\ufffdb"


def test_entries_part_by_call(placed: Placed) -> None:
    one, two = beginning(placed("c1", seq=1)), beginning(placed("c2", seq=1))
    more = entry(one.call, CallAnswered(call_id="c1", at=103.0, seq=2))
    assert by_call([one, two, more]) == [[one, more], [two]]


async def test_a_second_writer_waits_so_that_ids_show_in_order(postgres_url: str, placed: Placed) -> None:
    database = connect(postgres_url)
    await upgrade(database)
    async with database.write() as first:
        await write(first, [beginning(placed("c1", seq=1))])
        second = asyncio.create_task(put(database, beginning(placed("c2", seq=1))))
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        async with asyncio.timeout(30):
            while not (await first.execute(waiting)).scalar():
                pass
        assert await CallStore(database).events() == []
    await second
    assert [row.call_id for row in await CallStore(database).events()] == ["c1", "c2"]
    await database.close()
