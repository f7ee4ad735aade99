"""Bringing a database to the tables of this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from getpatter.store.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"

# Any number that no other application takes an advisory lock on; this one is "patter" in ASCII.
UPGRADE_LOCK = 0x706174746572


async def upgrade(database: Database) -> None:
    """Run the migrations that the database has not seen, all or none of them.

    Processes that do so at once wait for each other: on SQLite by the write lock that a writing transaction begins
    with, on PostgreSQL by an advisory lock.  Raises `StoreError`.
    """
    async with database.write() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        await connection.run_sync(migrate)


def migrate(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to `revision` in the connection's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def revision(database: Database) -> str | None:
    """Which migrations the database has seen: the name of the last; None where it has no tables.  Changes nothing.

    Raises `StoreError`.
    """

    def seen(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with database.read() as session:
        return await (await session.connection()).run_sync(seen)


def newest_revision() -> str:
    """The last of the migrations that this version has; their names sort by age."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None
    return newest


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
