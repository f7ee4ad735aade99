"""`getpatter sim`: the simulated telephone network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from getpatter.cli.console import fail, out, run, settings
from getpatter.control.launch import find_engine
from getpatter.errors import CarrierError, ConfigurationError, EngineUnavailable, PatterError
from getpatter.settings import Settings
from getpatter.testing.parties import Directory
from getpatter.testing.signing import sim_secret

if TYPE_CHECKING:
    from getpatter.testing.lines import RingResult
    from getpatter.tts.base import TextToSpeech

app = typer.Typer(help="The simulated telephone network.", no_args_is_help=True)

CALLER = "+12025550107"


@app.command("list")
def list_parties() -> None:
    """Show who can be called, and by whom one can be called."""
    chosen = settings()
    try:
        directory = Directory.load(chosen.parties)
    except PatterError as error:
        fail(error)
    table = Table(box=None, pad_edge=False)
    for column in ("number", "name", "answers", "what it does"):
        table.add_column(column, no_wrap=column != "what it does")
    for party in directory:
        table.add_row(party.number, escape(party.name), party.answers, escape(party.description))
    out.print(table, soft_wrap=False)
    out.print(f"[dim]Your own: a YAML file each in {escape(str(chosen.parties))}[/]")


@app.command("call")
def call(party: Annotated[str, typer.Option(help="Number of the party that calls.")] = CALLER) -> None:
    """Ring the agent that answers incoming calls."""
    chosen = settings()
    result = run(_ring(chosen, party))
    if not result.answered:
        fail(
            CarrierError(
                f"The engine turned the call away: {result.reason}.",
                next_step="Incoming calls are answered after serve_inbound, or with `getpatter serve --answer TASK`.",
            )
        )
    for sentence in result.spoken:
        out.print(f"[green]caller[/]  {escape(sentence)}")
    out.print(f"The call is over: ended by the {result.ended_by}. `getpatter calls` has it.")


async def _ring(chosen: Settings, party: str) -> RingResult:
    # Takes long to import, and the list of parties does without it.
    from getpatter.testing.network import SimNetwork

    engine = find_engine(chosen)
    if engine is None:
        raise EngineUnavailable(
            f"No engine runs for {chosen.home}.", next_step='Start one: getpatter serve --answer "Take a message."'
        )
    network = SimNetwork(Directory.load(chosen.parties), sim_secret(chosen.home), tts=_voice(chosen))
    base = chosen.public_url or engine.carrier_url
    try:
        with out.status("In the call ..."):
            return await network.ring(f"{base}/webhooks/sim/voice", party, chosen.phone_number)
    finally:
        await network.close()


def _voice(chosen: Settings) -> TextToSpeech | None:
    """For parties without clips; those with clips need none."""
    from getpatter.tts.local import local_tts

    try:
        return local_tts(chosen.voice, chosen.language)
    except ConfigurationError:
        return None
