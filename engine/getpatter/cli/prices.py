"""`getpatter prices`: what vendors charge, as calls are priced."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from getpatter.cli.console import fail, out, settings
from getpatter.errors import InvalidRequest, PatterError
from getpatter.pricing.figures import BUILT_IN, UPDATED, VERSION
from getpatter.pricing.listing import Line, lines
from getpatter.pricing.overrides import with_overrides

COLUMNS = ("vendor", "model", "US dollars", "a", "as of", "source")


def prices(
    vendor: Annotated[str, typer.Argument(help="Of this vendor alone, e.g. deepgram.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print what vendors charge, PATTER_PRICING included, with dates and sources."""
    try:
        own = settings().pricing
        table = with_overrides(BUILT_IN, own) if own else BUILT_IN
    except PatterError as error:
        fail(error)
    found = list(lines(table, vendor.lower()))
    if not found:
        known = ", ".join(sorted(table.vendors))
        fail(InvalidRequest(f"There are no prices of {vendor!r}.", next_step=f"There are those of {known}."))
    if as_json:
        typer.echo(json.dumps({"version": VERSION, "updated": UPDATED, "prices": [asdict(line) for line in found]}))
        return
    out.print(_table(found), soft_wrap=False)
    out.print(f"[dim]version {VERSION}, latest figure of {UPDATED}[/]")


def _table(found: list[Line]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, no_wrap=column in ("vendor", "model", "as of"))
    for line in found:
        table.add_row(*map(escape, (line.vendor, line.model, line.text, line.unit, line.as_of, line.source)))
    return table
