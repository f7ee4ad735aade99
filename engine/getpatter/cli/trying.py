"""`getpatter test` and `getpatter eval`: an agent without a telephone."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from getpatter.cli.console import err, fail, out, run, settings
from getpatter.errors import ConfigurationError, PatterError
from getpatter.settings import Settings

if TYPE_CHECKING:
    from getpatter.trying.suite import Suite
    from getpatter.trying.suite_run import CaseResult

_COLORS = {"passed": "green", "failed": "red", "error": "red", "skipped": "yellow"}

AgentOption = Annotated[str, typer.Option("--agent", help="path.py:name or module:name, in place of the suite's.")]


def try_out(
    agent: Annotated[
        str, typer.Argument(help="path.py:name or module:name of an Agent; by default that of the settings.")
    ] = "",
    task: Annotated[str, typer.Option(help="What the agent of the settings is to do.")] = "",
    pace: Annotated[
        bool, typer.Option("--pace", help="Have the agent's words come as fast as they are spoken.")
    ] = False,
) -> None:
    """Talk to an agent in this terminal: no telephone, no sound."""
    chosen = settings()
    logging.basicConfig(level=logging.ERROR)
    run(_try_out(chosen, agent, task, pace=pace))


async def _try_out(chosen: Settings, place: str, task: str, *, pace: bool) -> None:
    # Takes long to import, and no other command needs it.
    from getpatter.trying import agents, outside, terminal

    if place and task:
        raise ConfigurationError("--task is for the agent of the settings; an agent of your own has its task.")
    agent = agents.load_agent(place) if place else agents.default_agent(chosen, task)
    model = outside.model_of(agent)
    try:
        await terminal.run(agent, pace=pace, console=out)
    finally:
        await model.close()


def evaluate(
    suite: Annotated[Path, typer.Argument(help="YAML or JSON file with conversations and what is expected of them.")],
    agent: AgentOption = "",
    tag: Annotated[list[str] | None, typer.Option(help="Only cases with one of these tags; may be repeated.")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Conversations at once.")] = 4,
    junit: Annotated[Path | None, typer.Option(help="Write the results to this file, as JUnit XML.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Hold the conversations of a suite, and tell which are as expected; status 1 when one is not."""
    chosen = settings()
    logging.basicConfig(level=logging.ERROR)
    from getpatter.trying.suite import load_suite

    try:
        loaded = load_suite(suite)
    except PatterError as error:
        fail(error)
    if tag:
        cases = tuple(case for case in loaded.cases if set(tag) & set(case.tags))
        if not cases:
            fail(ConfigurationError(f"No case of {suite} has the tag {' or '.join(tag)}."))
        loaded = loaded.model_copy(update={"cases": cases})
    results = run(_evaluate(chosen, loaded, suite.parent, agent, at_once))
    if junit is not None:
        _write_junit(junit, loaded, results)
    if json_output:
        out.print(json.dumps({"suite": loaded.name, "results": [asdict(result) for result in results]}), markup=False)
    else:
        _show(loaded, results)
    if any(result.status in ("failed", "error") for result in results):
        raise typer.Exit(1)


async def _evaluate(chosen: Settings, suite: Suite, folder: Path, agent: str, at_once: int) -> Sequence[CaseResult]:
    from getpatter.llm.factory import language_model
    from getpatter.testing.parties import Directory
    from getpatter.trying.agents import default_agent
    from getpatter.trying.suite_run import Bench, run_suite

    model = language_model(chosen)
    bench = Bench(
        folder=folder,
        default=partial(default_agent, chosen),
        agent=agent,
        model=None if model.scripted else model,
        parties=Directory.load(chosen.parties),
    )
    try:
        with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
            bar = progress.add_task(escape(suite.name), total=len(suite.cases))
            return await run_suite(suite, bench, at_once=at_once, on_done=lambda _: progress.advance(bar))
    finally:
        await model.close()


def _write_junit(path: Path, suite: Suite, results: Sequence[CaseResult]) -> None:
    from getpatter.trying.junit import junit

    try:
        path.write_text(junit(suite.name, results), "utf-8")
    except OSError as error:
        fail(ConfigurationError(f"The results cannot be written to {path}: {error.strerror}."))


def _show(suite: Suite, results: Sequence[CaseResult]) -> None:
    table = Table(box=None, pad_edge=False, title=escape(suite.name), title_justify="left")
    for column in ("case", "result", "seconds", "why"):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    for result in results:
        color = _COLORS[result.status]
        table.add_row(
            escape(result.name), f"[{color}]{result.status}[/]", f"{result.took_s:.2f}", escape(result.reason)
        )
    out.print(table, soft_wrap=False)
    for result in results:
        if result.status in ("failed", "error") and result.conversation:
            out.print(f"\n[bold]{escape(result.name)}[/]\n{escape(result.conversation)}")
    passed = sum(result.status == "passed" for result in results)
    out.print(f"{passed} of {len(results)} passed.")
