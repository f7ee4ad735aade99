"""The connection to the database: where it is, how it is set up, and how its errors are told."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel.ext.asyncio.session import AsyncSession

from getpatter.errors import ConfigurationError, StoreError

BUSY_TIMEOUT_S = 5.0
"""How long SQLite waits for another process's write before it gives up, unless the URL says `?timeout=`."""

_WAL_ATTEMPTS = 20
_POSTGRES_DEADLINES = {"timeout": 10.0, "command_timeout": 60.0}
"""Seconds for a connection and for a statement, as asyncpg names them; a migration is the longest statement."""

# SQLSTATE classes after which the same statement may succeed: connection lost, transaction rolled back by a conflict,
# out of resources, object not in the required state (locks), operator intervention such as a shutdown
# (PostgreSQL manual, appendix A).
_PASSING_SQLSTATES = ("08", "40", "53", "55", "57")


class Database:
    """An open database.  `read` and `write` raise `StoreError` for whatever goes wrong within them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)

    @property
    def shown(self) -> str:
        """Where it is, without the password."""
        return self._engine.url.render_as_string(hide_password=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for queries; rows stay readable after it."""
        with self._translated("read"):
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that is committed at the end, or rolled back by an error."""
        with self._translated("written"):
            async with self._writer.begin() as connection:
                yield connection

    async def close(self) -> None:
        await self._engine.dispose()

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(
                f"The call store at {self.shown} cannot be {verb}: {_words(error)}.",
                retryable=_passing(error),
                next_step="Check that the database runs, that its disk has room, and that DATABASE_URL is right.",
            ) from error


def connect(url: str) -> Database:
    """The database at an async SQLAlchemy URL, not yet reached.  A SQLite file is made here, for its owner's eyes only.

    Raises `ConfigurationError` for a URL that cannot be used and `StoreError` when the file cannot be made.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return Database(_sqlite(parsed))
        if parsed.drivername == "postgresql+asyncpg":
            return Database(
                create_async_engine(parsed, hide_parameters=True, pool_pre_ping=True, connect_args=_POSTGRES_DEADLINES)
            )
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise _unusable(_words(error)) from None
    raise _unusable(f"{parsed.drivername} is neither SQLite nor PostgreSQL by asyncpg")


def _unusable(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The database URL cannot be used: {why}.",
        next_step="Set DATABASE_URL to sqlite:///path/to/calls.db, or to postgresql://user:password@host/database "
        "with the extra installed: pip install 'patter-mcp[postgres]'.",
    )


def _sqlite(url: URL) -> AsyncEngine:
    _make_private_file(url)
    # Transactions are begun by `_begin`: the driver's own way leaves out DDL and takes the write lock too late.
    arguments: dict[str, object] = {"isolation_level": None}
    if "timeout" not in url.query:
        arguments["timeout"] = BUSY_TIMEOUT_S
    engine = create_async_engine(url, hide_parameters=True, connect_args=arguments)
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _make_private_file(url: URL) -> None:
    if not url.database or url.database == ":memory:" or url.query.get("mode") == "memory":
        raise ConfigurationError(
            "The call store cannot be a SQLite database in memory: readers and the journal each have their own "
            "connection and would not see the same one.",
            next_step="Name a file, e.g. sqlite:////tmp/calls.db.",
        )
    path = Path(url.database.removeprefix("file:"))
    try:
        for folder in reversed(path.parents):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        # SQLite gives its -wal and -shm files the mode of the database file.  A file that exists is not opened here:
        # closing it would drop the locks that SQLite holds on it for this process (sqlite.org/howtocorrupt.html).
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass  # another process was faster
    except OSError as error:
        raise StoreError(
            f"The call store {path} cannot be made: {error.strerror}.",
            next_step="Set PATTER_HOME or DATABASE_URL to a place that this user may write to.",
        ) from error


def _set_up_sqlite(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # Readers go on while the journal writes.  With synchronous=NORMAL a committed transaction survives the death of the
    # process; a power failure may take the last ones but leaves the file whole (sqlite.org/pragma.html).
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _use_wal(cursor: DBAPICursor) -> None:
    # While other processes open a new file too, the switch fails at once instead of waiting for their locks as other
    # statements do; so a statement that waits goes before the next attempt.
    for _ in range(_WAL_ATTEMPTS):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
        else:
            return
    raise sqlite3.OperationalError("database is locked")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and then writes fails at once when another wrote in between; one that takes the
    # write lock at its beginning waits for its turn.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _passing(error: SQLAlchemyError | OSError) -> bool:
    if not isinstance(error, DBAPIError):
        return isinstance(error, OSError | PoolTimeout)
    sqlstate = str(getattr(error.orig, "sqlstate", None) or "")
    if sqlstate:
        return sqlstate.startswith(_PASSING_SQLSTATES)
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def _words(error: Exception) -> str:
    # The first line alone: the ones below it quote the statement or the row, and rows are private.
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return (str(cause).splitlines() or [type(cause).__name__])[0].rstrip(".")
