"""Reading calls from the store, and closing those that a crash left open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from getpatter import events
from getpatter.events import Amendment, CallEnded, CarrierRecorded, Direction, Outcome
from getpatter.store import batch
from getpatter.store.batch import Entry
from getpatter.store.database import Database
from getpatter.store.projection import CallProjection, said
from getpatter.store.tables import CallRow, EventRow, RecordingRow, ToolRow, TurnRow

_T = TypeVar("_T")


class CallStore:
    """Queries over the record of calls.  Deleted calls are not found.  Every method raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, call_id: str) -> CallRow | None:
        return await self._one(_calls().where(col(CallRow.id) == call_id))

    async def by_key(self, key: str) -> CallRow | None:
        """The call that was placed with this idempotency key."""
        return await self._one(_calls().where(col(CallRow.idempotency_key) == key))

    async def by_carrier_call_id(self, carrier: str, carrier_call_id: str) -> CallRow | None:
        """The call that the carrier knows by its own id; the latest if the carrier used it twice."""
        named = _calls().where(col(CallRow.carrier) == carrier, col(CallRow.carrier_call_id) == carrier_call_id)
        return await self._one(named.order_by(col(CallRow.created_at).desc()).limit(1))

    async def taken(self, carrier: str, limit: int) -> Sequence[str]:
        """The carrier's names of the latest calls that came in, deleted ones too, newest first."""
        query = select(CallRow.carrier_call_id).where(
            col(CallRow.carrier) == carrier, col(CallRow.direction) == "inbound"
        )
        latest = query.order_by(col(CallRow.created_at).desc()).limit(limit)
        async with self._database.read() as session:
            return [name for name in (await session.exec(latest)).all() if name]

    async def list(
        self,
        *,
        status: str | None = None,
        direction: Direction | None = None,
        number: str = "",
        outcome: Outcome | None = None,
        before: float | None = None,
        limit: int = 20,
    ) -> Sequence[CallRow]:
        """Calls, newest first.  `number` is part of either number, `before` a `created_at` to page on from."""
        query = _calls()
        if status is not None:
            query = query.where(col(CallRow.status) == status)
        if direction is not None:
            query = query.where(col(CallRow.direction) == direction)
        if outcome is not None:
            query = query.where(col(CallRow.outcome) == outcome)
        if number:
            numbers = (col(CallRow.from_number), col(CallRow.to_number))
            query = query.where(or_(*(column.contains(number, autoescape=True) for column in numbers)))
        if before is not None:
            query = query.where(col(CallRow.created_at) < before)
        return await self._all(query.order_by(col(CallRow.created_at).desc(), col(CallRow.id)).limit(limit))

    async def turns(self, call_id: str, *, after: int = -1, limit: int | None = None) -> Sequence[TurnRow]:
        """Turns with an index above `after`, in order."""
        query = select(TurnRow).where(col(TurnRow.call_id) == call_id, col(TurnRow.index) > after)
        return await self._all(query.order_by(col(TurnRow.index)).limit(limit))

    async def tools(self, call_id: str) -> Sequence[ToolRow]:
        """What the agent used, in order."""
        return await self._all(select(ToolRow).where(col(ToolRow.call_id) == call_id).order_by(col(ToolRow.seq)))

    async def recordings(self, call_id: str) -> Sequence[RecordingRow]:
        """The call's recordings, in order."""
        query = select(RecordingRow).where(col(RecordingRow.call_id) == call_id)
        return await self._all(query.order_by(col(RecordingRow.seq)))

    async def events(self, *, after_id: int = 0, call_id: str | None = None, limit: int = 500) -> Sequence[EventRow]:
        """Events with an id above `after_id`, of one call or of all, in order of their ids."""
        query = select(EventRow).where(col(EventRow.id) > after_id)
        if call_id is not None:
            query = query.where(col(EventRow.call_id) == call_id)
        return await self._all(query.order_by(col(EventRow.id)).limit(limit))

    async def transferred(self, call_id: str) -> bool:
        """Whether the call was given to somebody else."""
        told = select(EventRow).where(col(EventRow.call_id) == call_id, col(EventRow.type) == "transferred")
        return await self._one(told.limit(1)) is not None

    async def interrupt_open(self, now: float) -> Sequence[str]:
        """End every call that is open in the store, as an engine does that starts and finds them; their ids.

        Only for an engine that owns all calls of the store and has none yet.  `now` (Unix seconds) becomes the time of
        the end; the duration counts to the last event known.
        """
        opened = await self._all(
            select(CallRow).where(col(CallRow.status) != "ended").order_by(col(CallRow.created_at))
        )
        entries = []
        for row in opened:
            call = CallProjection(row, map(said, await self.turns(row.id)))
            ended = _interrupted(row, now)
            call.apply(ended)
            entries.append(Entry(call, ended, events.encode(ended).decode()))
        if entries:
            async with self._database.write() as connection:
                await batch.write(connection, entries)
        return [row.id for row in opened]

    async def amend(self, amendment: Amendment) -> Amendment | None:
        """Record what has become known of a call after its end, and give it as numbered.

        None, and nothing is recorded, when it tells nothing new or the call is deleted, unknown or not over.  The
        journal must have written all that it has of the call (`Journal.flush`).
        """
        async with self._database.write() as connection:
            await batch.take_turn(connection)
            row = await _found(connection, amendment.call_id)
            if row is None or await _fetched_before(connection, amendment):
                return None
            call = CallProjection(row)
            numbered = msgspec.structs.replace(amendment, seq=row.last_seq + 1)
            if not call.apply(numbered):
                return None
            await batch.write(connection, [Entry(call, numbered, events.encode(numbered).decode())])
        return numbered

    async def unsettled(self, carrier: str) -> Sequence[tuple[str, float]]:
        """Ids and ends (Unix seconds) of calls whose price the carrier has not told yet, the latest first."""
        query = select(CallRow.id, CallRow.ended_at).where(
            col(CallRow.carrier) == carrier,
            col(CallRow.carrier_settled).is_(False),
            col(CallRow.carrier_call_id) != "",
            col(CallRow.ended_at).is_not(None),
            col(CallRow.deleted_at).is_(None),
        )
        async with self._database.read() as session:
            found = await session.exec(query.order_by(col(CallRow.ended_at).desc()))
            return [(call_id, ended_at or 0.0) for call_id, ended_at in found]

    async def settle(self, call_id: str) -> None:
        """The carrier is not to be asked for the call's price any more."""
        async with self._database.write() as connection:
            await connection.execute(update(CallRow).where(col(CallRow.id) == call_id).values(carrier_settled=True))

    async def _all(self, query: SelectOfScalar[_T]) -> Sequence[_T]:
        async with self._database.read() as session:
            return (await session.exec(query)).all()

    async def _one(self, query: SelectOfScalar[_T]) -> _T | None:
        async with self._database.read() as session:
            return (await session.exec(query)).first()


def _calls() -> SelectOfScalar[CallRow]:
    return select(CallRow).where(col(CallRow.deleted_at).is_(None))


async def _found(connection: AsyncConnection, call_id: str) -> CallRow | None:
    found = (await connection.execute(_calls().where(col(CallRow.id) == call_id))).mappings().first()
    return None if found is None else CallRow(**found)


async def _fetched_before(connection: AsyncConnection, amendment: Amendment) -> bool:
    if not isinstance(amendment, CarrierRecorded):
        return False
    same = select(RecordingRow.seq).where(
        col(RecordingRow.call_id) == amendment.call_id, col(RecordingRow.carrier_id) == amendment.recording_id
    )
    return (await connection.execute(same)).first() is not None


def _interrupted(row: CallRow, now: float) -> CallEnded:
    last = datetime.fromtimestamp(row.updated_at, UTC).isoformat(timespec="seconds")
    return CallEnded(
        call_id=row.id,
        at=now,
        seq=row.last_seq + 1,
        outcome="interrupted",
        ended_by="engine",
        reason=f"The engine stopped without closing the call; the last it recorded of it was at {last}.",
        duration_s=0.0 if row.answered_at is None else max(0.0, row.updated_at - row.answered_at),
    )
