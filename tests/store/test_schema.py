from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from getpatter.errors import StoreError
from getpatter.store.database import Database, connect
from getpatter.store.schema import MIGRATIONS, upgrade
from getpatter.store.tables import Row


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = connect(url)
    yield opened
    await opened.close()


async def tables(database: Database) -> set[str]:
    async with database.write() as connection:
        return set(await connection.run_sync(lambda bound: inspect(bound).get_table_names()))


async def test_models_and_migrations_agree(database: Database) -> None:
    await upgrade(database)

    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), Row.metadata)

    async with database.write() as connection:
        assert await connection.run_sync(differences) == []


async def test_upgrading_again_changes_nothing(database: Database) -> None:
    await upgrade(database)
    await upgrade(database)
    ours = {"call", "turn", "call_event", "tool_invocation", "recording"}
    assert await tables(database) == ours | {"alembic_version"}


async def test_a_migration_that_fails_leaves_nothing_behind(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE recording (path TEXT)"))
    with pytest.raises(StoreError, match="recording"):
        await upgrade(database)
    assert await tables(database) == {"recording"}


async def test_processes_that_upgrade_at_once_all_succeed(url: str) -> None:
    script = (
        "import asyncio, sys\n"
        "from getpatter.store import Store\n"
        "async def main():\n"
        "    sys.stdin.readline()\n"
        "    await (await Store.open(sys.argv[1])).close()\n"
        "asyncio.run(main())\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-c", script, url]
    processes = [await asyncio.create_subprocess_exec(*command, **pipes) for _ in range(3)]  # type: ignore[arg-type]  # keywords in a dict
    ended = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [(process.returncode, stderr.decode()) for process, (_, stderr) in zip(processes, ended, strict=True)] == [
        (0, "")
    ] * 3


def test_every_migration_ships_with_the_package() -> None:
    assert (MIGRATIONS / "env.py").is_file()
    assert sorted(path.name for path in (MIGRATIONS / "versions").glob("0*.py"))[0] == "0001_calls.py"
