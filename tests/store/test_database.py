from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from getpatter.errors import ConfigurationError, StoreError
from getpatter.store.database import connect


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_numbers_and_transcripts_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "home" / "calls.db"
    database = connect(f"sqlite+aiosqlite:///{path}")
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE t (x INTEGER)"))
        assert {mode(file) for file in path.parent.iterdir()} == {0o600}
        assert {file.name for file in path.parent.iterdir()} == {"calls.db", "calls.db-wal", "calls.db-shm"}
    await database.close()
    assert (mode(path.parent), mode(path.parent.parent)) == (0o700, 0o700)


async def test_a_file_keeps_the_mode_that_its_owner_gave_it(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    path.touch()
    path.chmod(0o640)
    await connect(f"sqlite+aiosqlite:///{path}").close()
    assert mode(path) == 0o640


async def test_sqlite_is_set_up_for_a_journal_beside_readers(sqlite_url: str) -> None:
    database = connect(sqlite_url)
    async with database.read() as session:
        found = [
            (await session.connection()).exec_driver_sql(f"PRAGMA {name}")
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
        assert [(await answer).scalar() for answer in found] == ["wal", 1, 1, 5000]
    await database.close()


async def test_what_a_failed_transaction_wrote_is_gone(url: str) -> None:
    database = connect(url)
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE t (x INTEGER PRIMARY KEY)"))
    with pytest.raises(StoreError) as caught:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO t VALUES (:x)"), [{"x": 1}, {"x": 1}])
    assert not caught.value.retryable
    async with database.read() as session:
        assert (await (await session.connection()).execute(text("SELECT count(*) FROM t"))).scalar() == 0
    await database.close()


async def test_a_locked_database_is_worth_a_retry(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    database = connect(f"sqlite+aiosqlite:///{path}?timeout=0.01")
    async with database.write():
        pass
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="database is locked") as caught:
        async with database.write():
            pass
    assert caught.value.retryable
    other.close()
    await database.close()


async def test_a_server_that_does_not_run_is_worth_a_retry(tmp_path: Path) -> None:
    pytest.importorskip("asyncpg", reason="asyncpg is not installed")
    database = connect(f"postgresql+asyncpg://me:hunter2@/calls?host={tmp_path}")
    with pytest.raises(StoreError) as caught:
        async with database.read() as session:
            await session.connection()
    assert caught.value.retryable
    assert "hunter2" not in str(caught.value)
    await database.close()


async def test_a_server_without_the_database_is_not(postgres_url: str) -> None:
    database = connect(postgres_url.replace("@/", "@/no"))
    with pytest.raises(StoreError, match="does not exist") as caught:
        async with database.read() as session:
            await session.connection()
    assert not caught.value.retryable
    await database.close()


async def test_an_error_does_not_quote_the_row(url: str) -> None:
    database = connect(url)
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE t (x TEXT PRIMARY KEY)"))
    with pytest.raises(StoreError) as caught:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO t VALUES (:x)"), [{"x": "+12025550123"}] * 2)
    assert "+12025550123" not in str(caught.value)
    await database.close()


@pytest.mark.parametrize(
    "bad",
    ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "oracle://x", "postgresql+psycopg://x", "no url"],
)
def test_a_url_that_cannot_be_used_is_told(bad: str) -> None:
    with pytest.raises(ConfigurationError):
        connect(bad)


def test_a_place_that_cannot_be_written_to_is_told() -> None:
    with pytest.raises(StoreError, match=r"/dev/null/calls\.db"):
        connect("sqlite+aiosqlite:////dev/null/calls.db")
