"""The `getpatter` command."""

from __future__ import annotations

from typing import Annotated

import typer

from getpatter.cli import calls, sim, trying
from getpatter.cli.demo import demo
from getpatter.cli.doctor import doctor
from getpatter.cli.fetch import fetch
from getpatter.cli.prices import prices
from getpatter.cli.providers import providers
from getpatter.cli.security import security
from getpatter.cli.serve import answer, serve, status, stop
from getpatter.version import __version__

app = typer.Typer(
    help="Telephone calls held by an AI agent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for command in (demo, doctor, serve, status, stop, calls.call, calls.calls, calls.transcript, prices, security):
    app.command()(command)
app.command()(calls.transfer)
app.command()(calls.press)
app.command()(answer)
app.command()(fetch)
app.command()(providers)
app.command("hang-up")(calls.hang_up)
app.command("test")(trying.try_out)
app.command("eval")(trying.evaluate)
app.add_typer(sim.app, name="sim")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Tell it.")] = False,
) -> None:
    pass


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
