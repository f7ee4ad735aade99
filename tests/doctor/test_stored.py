"""The store is looked at and stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from getpatter.doctor.stored import store
from getpatter.errors import ConfigurationError, StoreError
from getpatter.settings import Settings, load
from getpatter.store import Store
from getpatter.store.database import connect
from getpatter.store.schema import migrate, newest_revision, revision


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(home=tmp_path)


async def test_one_that_is_not_there_is_not_made(settings: Settings) -> None:
    (found,) = await store(settings)
    assert found.level == "ok"
    assert list(settings.home.iterdir()) == []


async def test_one_of_this_version(settings: Settings) -> None:
    await (await Store.open(settings.database)).close()
    (found,) = await store(settings)
    assert found.level == "ok"
    assert f"version {newest_revision()}" in found.message


async def test_an_older_one_is_left_to_the_engine(settings: Settings) -> None:
    database = connect(settings.database)
    async with database.write() as connection:
        await connection.run_sync(migrate, "0001")
    (found,) = await store(settings)
    assert found.level == "ok"
    assert "will bring them to" in found.message
    assert await revision(database) == "0001"
    await database.close()


async def test_a_newer_one_is_an_error(settings: Settings) -> None:
    await (await Store.open(settings.database)).close()
    database = connect(settings.database)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    (found,) = await store(settings)
    assert found.level == "error"
    assert "Install the version" in found.next_step


async def test_an_empty_file_is_none_yet(settings: Settings) -> None:
    (settings.home / "calls.db").touch(mode=0o600)
    (found,) = await store(settings)
    assert (found.level, "is empty" in found.message) == ("ok", True)


async def test_a_file_that_is_no_store_is_an_error(settings: Settings) -> None:
    (settings.home / "calls.db").write_bytes(b"dear diary" * 1000)
    with pytest.raises(StoreError, match="cannot be read"):
        await store(settings)


async def test_a_url_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        await store(load(home=tmp_path, database_url="nonsense"))
