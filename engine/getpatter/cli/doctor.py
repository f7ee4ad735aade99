"""`getpatter doctor`: what is missing for calls to work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from getpatter.cli.console import err, out, run, settings
from getpatter.clock import SystemClock
from getpatter.control.launch import find_engine
from getpatter.settings import Settings

if TYPE_CHECKING:
    from getpatter.carriers.base import Finding
    from getpatter.doctor.check import Check

SIGNS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "error": "[red]✗[/]"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
) -> None:
    """Look whether everything is there that a call needs, and say what to do where it is not."""
    findings = run(_examine(settings(), quiet=as_json))
    errors = sum(finding.level == "error" for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ok": not errors, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        warnings = sum(finding.level == "warning" for finding in findings)
        out.print(f"\n{len(findings)} findings: {errors} errors, {warnings} warnings.")
    if errors:
        raise typer.Exit(1)


async def _examine(chosen: Settings, *, quiet: bool) -> Sequence[Finding]:
    # It needs the engine's modules, which take seconds to import.
    from getpatter.doctor.examination import Examination

    examination = Examination(chosen, find_engine(chosen), SystemClock())
    waiting = [check.about for check in examination.checks]

    def told(check: Check, findings: Sequence[Finding]) -> None:
        waiting.remove(check.about)
        status.update(f"Looking at {', '.join(waiting)} ...")
        for finding in () if quiet else findings:
            show(finding)

    with err.status(f"Looking at {', '.join(waiting)} ...") as status:
        return await examination.run(told)


def show(finding: Finding) -> None:
    """One finding, and below it what to do about it."""
    out.print(f"{SIGNS[finding.level]} {escape(finding.about)}: {escape(finding.message)}")
    if finding.next_step:
        out.print(f"    [dim]→ {escape(finding.next_step)}[/]")
