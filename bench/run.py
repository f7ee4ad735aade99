"""All measurements in one table; `make bench` runs it.

    .venv/bin/python bench/run.py [--quick]

Each script has a process of its own, so that one that fails neither hides nor disturbs the others; the status is 1
when one failed.  A script whose extra is not installed says so instead.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from time import monotonic

import machine
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from getpatter.errors import ConfigurationError

log = logging.getLogger(__name__)

Row = tuple[str, float, str]


@dataclass(frozen=True, slots=True)
class Script:
    """A module of this folder; `quick` are the arguments of its `rows` that make it short."""

    name: str
    quick: Mapping[str, object] = field(default_factory=dict)


SCRIPTS = (
    Script("engine_load", {"calls": (1, 50), "seconds": 6.0}),
    Script("turn_taking", {"quick": True}),
    Script("audio_path"),
    Script("sound"),
    Script("media_socket"),
    Script("media_servers", {"seconds": 2.0, "rounds": 1}),
    Script("inbound_burst", {"rounds": 1}),
    Script("adapters", {"seconds": 1.0, "calls": 5}),
    Script("store_writes"),
    Script("local_speech", {"rough": False, "sentences": 5}),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a script: rows, or why there are none."""

    script: Script
    rows: Sequence[Row] = ()
    missing: str = ""
    failure: str = ""


def take(script: Script, *, quick: bool) -> Result:
    """Run a script in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            return Result(script, process.submit(_rows, script.name, script.quick if quick else {}).result())
        except (ImportError, ConfigurationError) as missing:
            return Result(script, missing=str(missing))
        except Exception as failure:  # whatever it is, the other scripts have their turn
            log.exception("%s failed", script.name)
            return Result(script, failure=f"{type(failure).__name__}: {failure}")


def _rows(name: str, arguments: Mapping[str, object]) -> list[Row]:
    rows: list[Row] = importlib.import_module(name).rows(**arguments)
    return rows


def table(results: Sequence[Result]) -> Table:
    shown = Table("measured", "", "unit", box=None, pad_edge=False)
    shown.columns[1].justify = "right"
    for result in results:
        shown.add_section()
        shown.add_row(f"[bold]{result.script.name}")
        for what, value, unit in result.rows:
            shown.add_row(escape(what), machine.shown(value), unit)
        if not result.rows:
            shown.add_row(escape(result.missing or result.failure), "failed" if result.failure else "missing")
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about a minute instead of about six")
    options = parser.parse_args()
    console, results = Console(), []
    console.print(machine.description())
    for script in SCRIPTS:
        began = monotonic()
        with console.status(f"{script.name} ..."):
            results.append(take(script, quick=options.quick))
        console.print(f"{script.name} took {monotonic() - began:.0f} s", style="dim")
    console.print()
    console.print(table(results))
    return 1 if any(result.failure for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
