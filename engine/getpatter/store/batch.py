"""Events on their way into the store."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import Insert, Table, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from getpatter.events import CallPlaced, CarrierRecorded, Event, Recorded, ToolCalled, Turn
from getpatter.observability.latency import observed
from getpatter.store.projection import CallProjection
from getpatter.store.tables import CallRow, Row

log = logging.getLogger(__name__)

Values = dict[str, Any]

# "events" in ASCII; taken while events are written, see `write`.
EVENTS_LOCK = 0x6576656E7473

# Columns of a call that others set: writing events leaves them alone.
_NOT_FROM_EVENTS = frozenset(("deleted_at",))

_CALL, _TURN, _EVENT, _TOOL, _RECORDING = (
    Row.metadata.tables[name] for name in ("call", "turn", "call_event", "tool_invocation", "recording")
)
_COLUMNS = {
    table: [name for name in table.columns.keys() if name not in _NOT_FROM_EVENTS]  # noqa: SIM118  (no mapping)
    for table in (_CALL, _TURN, _EVENT, _TOOL, _RECORDING)
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event that `call` has taken in, and its JSON."""

    call: CallProjection
    event: Event
    data: str


def by_call(entries: Iterable[Entry]) -> list[list[Entry]]:
    """The entries of each call."""
    calls: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        calls[entry.event.call_id].append(entry)
    return list(calls.values())


async def take_turn(connection: AsyncConnection) -> None:
    """Keep other writers of events out until the connection's transaction is over; on SQLite it does so anyway."""
    if connection.dialect.name == "postgresql":
        # A sequence gives numbers before the commit.  Without the lock a reader could see 8 before another writer's
        # 7 and resume behind it.
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": EVENTS_LOCK})


async def write(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Add the events and bring the rows of their calls up to date, in the connection's transaction.

    Writing entries again changes nothing, so that a transaction whose commit went unheard can be repeated.
    """
    await take_turn(connection)
    await _give_up_taken_keys(connection, entries)
    calls = {entry.event.call_id: entry.call for entry in entries}
    events = [entry.event for entry in entries]
    await _put(connection, _CALL, [_call_values(call.row_so_far) for call in calls.values()])
    await _put(connection, _EVENT, [_event_values(entry) for entry in entries])
    await _put(connection, _TURN, [_turn_values(event) for event in events if isinstance(event, Turn)])
    await _put(connection, _TOOL, [_named(_TOOL, asdict(event)) for event in events if isinstance(event, ToolCalled)])
    recorded = [event for event in events if isinstance(event, Recorded | CarrierRecorded)]
    await _put(connection, _RECORDING, [_recording_values(event) for event in recorded])


async def _give_up_taken_keys(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """An idempotency key belongs to the first call stored with it; a later one is stored without."""
    rows = [entry.call.row for entry in entries if isinstance(entry.event, CallPlaced) and entry.event.key]
    if not rows:
        return
    keys = {row.idempotency_key for row in rows if row.idempotency_key}
    query = select(_CALL.c.idempotency_key, _CALL.c.id).where(_CALL.c.idempotency_key.in_(keys))
    holders = {key: call_id for key, call_id in await connection.execute(query)}  # noqa: C416  (typed so)
    for row in rows:
        holder = holders.setdefault(row.idempotency_key, row.id)
        if row.idempotency_key and holder != row.id:
            log.warning("call %s is stored without its idempotency key, which call %s has", row.id, holder)
            row.idempotency_key = None


async def _put(connection: AsyncConnection, table: Table, values: list[Values]) -> None:
    if values:
        await connection.execute(_upsert(table, connection.dialect.name), values)


@cache  # building it, and finding it in SQLAlchemy's own cache, costs more than running it
def _upsert(table: Table, dialect: str) -> Insert:
    statement = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    if table is _EVENT:
        return statement.on_conflict_do_nothing(index_elements=["call_id", "seq"])
    keys = table.primary_key.columns.keys()
    others = [name for name in _COLUMNS[table] if name not in keys]
    return statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in others}
    )


def _call_values(row: CallRow) -> Values:
    return _named(_CALL, inspect(row).dict)


def _event_values(entry: Entry) -> Values:
    event = entry.event
    tag = type(event).__struct_config__.tag
    return {"call_id": event.call_id, "seq": event.seq, "at": event.at, "type": tag, "data": entry.data}


def _recording_values(recorded: Recorded | CarrierRecorded) -> Values:
    carrier_id = recorded.recording_id if isinstance(recorded, CarrierRecorded) else ""
    return _named(_RECORDING, asdict(recorded) | {"carrier_id": carrier_id})


def _turn_values(turn: Turn) -> Values:
    return _named(_TURN, asdict(turn) | {"latency": observed(turn.latency)})


def _named(table: Table, held: Mapping[str, Any]) -> Values:
    return {name: held[name] for name in _COLUMNS[table]}
