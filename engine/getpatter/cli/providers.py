"""`getpatter providers`: whose speech and language can be used, and whose key is there."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from getpatter.cli.console import out
from getpatter.environment import variables
from getpatter.providers.catalogue import KINDS, TITLES, adapters


def providers() -> None:
    """List recognisers, voices, language models and engines, and whether their keys are set."""
    given = variables()
    for kind in KINDS:
        table = Table("name", "default model", "key", box=None, header_style="dim", pad_edge=False)
        for adapter in adapters(kind):
            facts = adapter.facts
            table.add_row(adapter.name, facts.models[0] if facts.models else "", _key(facts.key_variable, given))
        out.print(f"\n[bold]{TITLES[kind]}[/bold]  PATTER_{kind.upper()}")
        out.print(table)


def _key(variable: str, given: Mapping[str, str]) -> str:
    if not variable:
        return "[dim]none needed[/dim]"
    return f"[green]{variable} is set[/green]" if given.get(variable) else f"[yellow]{variable} is not set[/yellow]"
