"""The call store, looked at without changing it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from getpatter.carriers.base import Finding
from getpatter.settings import Settings
from getpatter.store.database import connect
from getpatter.store.schema import newest_revision, revision

ABOUT = "store"


async def store(settings: Settings) -> Sequence[Finding]:
    """Whether it opens and which version its tables have.  Raises `StoreError` and `ConfigurationError`."""
    if _not_made_yet(settings):
        return [Finding(ABOUT, "ok", "It will be made at the engine's first start.")]
    database = connect(settings.database)
    try:
        current = await revision(database)
    finally:
        await database.close()
    newest = newest_revision()
    match current:
        case None:
            return [Finding(ABOUT, "ok", f"{database.shown} is empty; the engine makes its tables.")]
        case _ if current == newest:
            return [Finding(ABOUT, "ok", f"{database.shown} opens, with tables of version {current}.")]
        case _ if current < newest:
            found = f"{database.shown} has tables of version {current}; the engine will bring them to {newest}."
            return [Finding(ABOUT, "ok", found)]
        case _:
            found = f"{database.shown} has tables of version {current}; this program knows {newest} at most."
            return [Finding(ABOUT, "error", found, "Install the version of patter-mcp that last wrote to it.")]


def _not_made_yet(settings: Settings) -> bool:
    """Whether opening it would make a file."""
    try:
        url = make_url(settings.database)
    except (ArgumentError, ValueError):  # `connect` will say it
        return False
    if url.get_backend_name() != "sqlite" or not url.database:
        return False
    return not Path(url.database.removeprefix("file:")).exists()
