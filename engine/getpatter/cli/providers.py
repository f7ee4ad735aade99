"""`getpatter providers`: whose speech and language can be used, and whose key is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rich.table import Table

from getpatter.cli.console import out
from getpatter.connections.ending_models import end_of
from getpatter.connections.facts import Facts
from getpatter.environment import variables
from getpatter.providers.catalogue import KINDS, TITLES, adapters

_VARIABLE: Final = re.compile(r"[A-Z][A-Z_]+_[A-Z_]+")


def providers() -> None:
    """List recognisers, voices, language models and engines, and whether their keys are set."""
    given = variables()
    for kind in KINDS:
        table = Table("name", "default model", "key", box=None, header_style="dim", pad_edge=False)
        for adapter in adapters(kind):
            facts = adapter.facts
            table.add_row(adapter.name, _default(facts), _key(facts, given))
        out.print(f"\n[bold]{TITLES[kind]}[/bold]  PATTER_{kind.upper()}")
        out.print(table)


def _default(facts: Facts) -> str:
    """Its default model, and when that one ends."""
    end = end_of(facts.product())
    if end is None:
        return next(iter(facts.models), "")
    return f"{end.model} [yellow]{end.told.removeprefix(end.model).strip()}: {end.advice}[/yellow]"


def _key(facts: Facts, given: Mapping[str, str]) -> str:
    """Whether what it needs is there: one of several variables, or all of them, as its facts have it."""
    if not facts.billing:
        return "[dim]none needed[/dim]"
    names = _VARIABLE.findall(facts.key_variable)
    if not names:
        return "[dim]found by the library itself[/dim]"
    missing = [name for name in names if not given.get(name)]
    any_will_do = " or " in facts.key_variable
    if not missing or (any_will_do and missing != names):
        return f"[green]{', '.join(name for name in names if name not in missing)} set[/green]"
    return f"[yellow]{(' or ' if any_will_do else ' and ').join(missing)} missing[/yellow]"
