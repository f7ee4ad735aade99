"""`getpatter prices`: what vendors charge, as calls are priced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from operator import attrgetter
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from getpatter.cli.console import fail, out, settings
from getpatter.errors import InvalidRequest, PatterError
from getpatter.pricing.figures import BUILT_IN, UPDATED, VERSION
from getpatter.pricing.listing import Line, lines
from getpatter.pricing.overrides import with_overrides

COLUMNS = ("model", "US dollars", "a", "as of", "")


def prices(
    wanted: Annotated[
        str,
        typer.Argument(metavar="VENDOR or MODEL", help="Of these alone, e.g. deepgram, or gpt-6.", show_default=False),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print what vendors charge, PATTER_PRICING included, with dates and sources."""
    try:
        own = settings().pricing
        table = with_overrides(BUILT_IN, own) if own else BUILT_IN
    except PatterError as error:
        fail(error)
    found = list(lines(table, wanted.lower()))
    if not found:
        known = ", ".join(sorted(table.vendors))
        fail(InvalidRequest(f"There are no prices of {wanted!r}.", next_step=f"There are those of {known}."))
    if as_json:
        typer.echo(json.dumps({"version": VERSION, "updated": UPDATED, "prices": [asdict(line) for line in found]}))
        return
    sources = list(dict.fromkeys(line.source for line in found))
    for vendor, of_vendor in groupby(found, key=attrgetter("vendor")):
        out.print(f"\n[bold]{escape(vendor)}[/bold]")
        out.print(_table(of_vendor, sources), soft_wrap=False)
    out.print()
    for number, source in enumerate(sources, start=1):
        out.print(f"[dim]{number}  {escape(source)}[/]")
    out.print(f"[dim]version {VERSION}, latest figure of {UPDATED}[/]")


def _table(found: Iterable[Line], sources: Sequence[str]) -> Table:
    """The last column is the number of the source, which would take a line of its own."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in COLUMNS:
        table.add_column(column, no_wrap=column in ("model", "as of", ""))
    for line in found:
        number = str(sources.index(line.source) + 1)
        table.add_row(*map(escape, (line.model, line.text, line.unit, line.as_of, number)))
    return table
