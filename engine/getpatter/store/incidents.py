"""What the carrier listener refused, for whoever wants to know who knocks."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col
from sqlmodel import select as select_rows

from getpatter.clock import Clock, TimerHandle
from getpatter.errors import StoreError
from getpatter.store.database import Database
from getpatter.store.tables import IncidentRow

log = logging.getLogger(__name__)

Kind = Literal[
    "invalid_signature",
    "expired",
    "replayed",
    "bad_token",
    "no_token",
    "malformed",
    "too_large",
    "unknown_path",
    "too_many",
]

COALESCE_S: Final = 60.0
"""Refusals of one kind, peer and path within this time of the first are one row."""
FLUSH_S: Final = 1.0
MAX_ROWS: Final = 10_000
MAX_OPEN: Final = 200
"""Rows that may be counting at once; refusals beyond that are counted by kind alone."""
MAX_TEXT: Final = 200
"""Characters kept of a path or a detail."""

_PRUNE_EVERY = 500
"""New rows after which the oldest are removed again: an engine may run for months."""

_TABLE = IncidentRow.metadata.tables["security_event"]
_Key = tuple[str, str, str]


class IncidentStore:
    """The table.  Every method raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recent(self, limit: int = 50) -> Sequence[IncidentRow]:
        """The latest first."""
        query = select_rows(IncidentRow).order_by(col(IncidentRow.last_at).desc(), col(IncidentRow.id)).limit(limit)
        async with self._database.read() as session:
            return (await session.exec(query)).all()

    async def put(self, rows: Iterable[IncidentRow]) -> None:
        """Add rows, or bring their counts up to date.  To do so again changes nothing."""
        values = [row.model_dump() for row in rows]
        if not values:
            return
        async with self._database.write() as connection:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            statement = insert(_TABLE)
            counted = {name: statement.excluded[name] for name in ("count", "last_at")}
            await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=counted), values)

    async def prune(self, keep: int = MAX_ROWS) -> None:
        """Remove all but the latest."""
        kept = select(_TABLE.c.id).order_by(_TABLE.c.last_at.desc(), _TABLE.c.id).limit(keep)
        async with self._database.write() as connection:
            await connection.execute(delete(_TABLE).where(_TABLE.c.id.not_in(kept)))


class IncidentLog:
    """Takes refusals as they come and writes them in batches.  Must be made on a running event loop.

    What it holds and what it writes are bounded, whatever comes: within one minute at most `MAX_OPEN` rows and one for
    each kind, and `MAX_ROWS` (and `_PRUNE_EVERY`) in all.  While the database is away counting goes on in memory.
    """

    def __init__(self, store: IncidentStore, clock: Clock, *, flush_s: float = FLUSH_S) -> None:
        self._store = store
        self._clock = clock
        self._flush_s = flush_s
        self._open: dict[_Key, IncidentRow] = {}
        self._unwritten: dict[str, IncidentRow] = {}
        self._since_prune = _PRUNE_EVERY  # rows that earlier engines left are removed with the first batch
        self._due = asyncio.Event()
        self._timer: TimerHandle | None = None
        self._failing = False
        self._writing = asyncio.Lock()
        self._task = asyncio.create_task(self._run(), name="incidents")
        self._arm()

    def note(self, kind: Kind, *, carrier: str = "", path: str = "", peer: str = "", detail: str = "") -> None:
        """Count a refusal; returns at once.  Give no secret, no body and no telephone number."""
        now = self._clock.wall()
        self._close_old(now)
        key = (kind, peer, path[:MAX_TEXT])
        if key not in self._open and len(self._open) >= MAX_OPEN:
            key, detail, carrier = (kind, "", ""), "from many peers or on many paths", ""
        row = self._open.get(key)
        if row is None:
            row = self._open[key] = IncidentRow(
                id=secrets.token_hex(8),
                at=now,
                kind=kind,
                carrier=carrier,
                path=key[2],
                peer=key[1],
                detail=detail[:MAX_TEXT],
                count=0,
                last_at=now,
            )
            self._since_prune += 1
        row.count += 1
        row.last_at = now
        self._unwritten[row.id] = row
        self._arm()

    async def flush(self) -> None:
        """Return when all that was noted is in the store; raises `StoreError` when it cannot be reached."""
        async with self._writing:
            rows, self._unwritten = self._unwritten, {}
            try:
                await self._store.put(rows.values())
                if self._since_prune >= _PRUNE_EVERY:
                    await self._store.prune()
                    self._since_prune = 0
            except StoreError as error:
                if error.retryable:
                    self._keep(rows | self._unwritten)
                raise

    async def close(self) -> None:
        async with self._writing:
            self._task.cancel()
        await asyncio.wait([self._task])
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self.flush()
        except StoreError as error:
            log.error("%d security events are lost: %s", len(self._unwritten), error)

    def _close_old(self, now: float) -> None:
        """Rows are in the order of their beginnings."""
        while self._open and (first := next(iter(self._open.values()))).at + COALESCE_S <= now:
            del self._open[first.kind, first.peer, first.path]

    def _keep(self, rows: dict[str, IncidentRow]) -> None:
        """For the next attempt, the latest of them."""
        self._unwritten = dict(list(rows.items())[-MAX_ROWS:])

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = self._clock.call_at(self._clock.now() + self._flush_s, self._due.set)

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            self._timer = None
            try:
                await self.flush()
            except StoreError as error:
                if not self._failing:
                    log.warning("security events are not stored: %s", error)
                self._failing = True
                self._arm()
            except Exception:  # a fault of ours must not end the record of later ones
                log.exception("security events are lost")
            else:
                self._failing = False
