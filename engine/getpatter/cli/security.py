"""`getpatter security`: who knocked at the carrier listener and was turned away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from getpatter.cli.console import out, run, settings

if TYPE_CHECKING:
    from getpatter.store import IncidentRow

COLUMNS = ("last", "what", "times", "peer", "path", "detail")


def security(limit: Annotated[int, typer.Option(min=1, max=1000)] = 50) -> None:
    """List what the carrier listener refused, newest first."""
    rows = run(_recent(settings().database, limit))
    if not rows:
        out.print("Nothing was refused.")
        return
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column == "times" else "left", no_wrap=column != "detail")
    for row in rows:
        table.add_row(*map(escape, _cells(row)))
    out.print(table, soft_wrap=False)


async def _recent(database: str, limit: int) -> Sequence[IncidentRow]:
    # Importing it takes longer than the commands that need no store.
    from getpatter.store import Store

    store = await Store.open(database)
    try:
        return await store.incidents.recent(limit)
    finally:
        await store.close()


def _cells(row: IncidentRow) -> tuple[str, ...]:
    return (
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.last_at)),
        row.kind.replace("_", " "),
        str(row.count),
        row.peer,
        row.path,
        row.detail,
    )
