"""The call store as a whole."""

from __future__ import annotations

from getpatter.clock import Clock, SystemClock
from getpatter.observability.bus import EventBus
from getpatter.store.calls import CallStore
from getpatter.store.database import Database, connect
from getpatter.store.incidents import IncidentLog, IncidentStore
from getpatter.store.journal import FLUSH_S, MAX_PENDING, Journal
from getpatter.store.schema import upgrade


class Store:
    """An open store: `calls` and `incidents` to read, `journal` and `incident_log` to write."""

    def __init__(self, database: Database) -> None:
        self.calls = CallStore(database)
        self.incidents = IncidentStore(database)
        self._database = database

    @classmethod
    async def open(cls, url: str) -> Store:
        """The store at an async SQLAlchemy URL (`Settings.database`), made or brought up to date if need be.

        A SQLite file is readable by its owner alone, and so are the folders made for it.  Raises `StoreError`, and
        `ConfigurationError` for a URL that cannot be used.
        """
        database = connect(url)
        try:
            await upgrade(database)
        except BaseException:
            await database.close()
            raise
        return cls(database)

    def journal(
        self,
        bus: EventBus,
        *,
        clock: Clock | None = None,
        flush_s: float = FLUSH_S,
        max_pending: int = MAX_PENDING,
    ) -> Journal:
        """Write what is published on `bus` from now on, until the journal is closed; close it before the store."""
        return Journal(self._database, bus, clock or SystemClock(), flush_s=flush_s, max_pending=max_pending)

    def incident_log(self, clock: Clock | None = None) -> IncidentLog:
        """Keep what the carrier listener refuses from now on, until the log is closed; close it before the store."""
        return IncidentLog(self.incidents, clock or SystemClock())

    async def close(self) -> None:
        await self._database.close()
