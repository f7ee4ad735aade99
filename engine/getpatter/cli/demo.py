"""`getpatter demo`: an assistant places a call, the call is talked through, the transcript is read."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.rule import Rule

from getpatter.calls.views import LatencySummary, TurnView
from getpatter.cli.calls import COLORS, show_turn
from getpatter.cli.console import err, out, run, settings
from getpatter.cli.figures import latency_table
from getpatter.control.launch import find_engine
from getpatter.errors import PatterError
from getpatter.settings import Settings

if TYPE_CHECKING:
    from mcp import Client

NUMBER = "+12025550100"
GOAL = "Book a table for two at seven o'clock this evening, in the name of Miller."
WAIT_S = 45.0


def demo(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Let an assistant call a simulated restaurant: no account, no key, nothing leaves this machine."""
    chosen = settings()
    home = chosen.home / "demo"
    result = run(_demo(home, quiet=json_output))
    if json_output:
        out.print_json(data=result)
    else:
        _show(result, home)


async def _demo(home: Path, *, quiet: bool) -> dict[str, Any]:
    """Do what an assistant does, over a real MCP session, with an engine that is gone afterwards."""
    began = time.monotonic()
    if not quiet:
        out.print(Rule("an assistant uses the telephone, over MCP"))
    async with _assistant(home, quiet=quiet) as assistant:
        placed = await assistant.call("place_call", to_number=NUMBER, goal=GOAL)
        if not quiet:
            for note in placed.get("notes", []):
                out.print(f"[yellow]{escape(note)}[/]")
        call_id = placed["call_id"]
        waiting = {"call_id": call_id, "timeout_s": WAIT_S, "response_format": "detailed"}
        call = await assistant.call("wait_for_call", **waiting)
        while not call["ended"]:
            call = await assistant.call("wait_for_call", **waiting)
        transcript = await assistant.call("get_transcript", call_id=call_id, response_format="detailed")
    return {
        "call": call,
        "transcript": transcript["turns"],
        "took_s": round(time.monotonic() - began, 1),
    }


class _Assistant:
    """An MCP client that shows what it does, as the host of an assistant would."""

    def __init__(self, client: Client, *, quiet: bool) -> None:
        self._client = client
        self._quiet = quiet

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        from mcp.types import TextContent

        if not self._quiet:
            given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
            out.print(f"[bold]{tool}[/]([dim]{escape(given)}[/])")
        result = await self._client.call_tool(tool, arguments, progress_callback=self._progress)
        if result.is_error:
            words = " ".join(block.text for block in result.content if isinstance(block, TextContent))
            raise PatterError(words)
        return dict(result.structured_content or {})

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:
        if message and not self._quiet:
            role, colon, words = message.partition(": ")
            if colon and role in COLORS:
                out.print(f"  [{COLORS[role]}]{role:>6}[/]  {escape(words)}")
            else:
                out.print(f"  [dim]{escape(message)}[/]")


@asynccontextmanager
async def _assistant(home: Path, *, quiet: bool) -> AsyncIterator[_Assistant]:
    """A session with `patter-mcp` over standard input and output; its engine is stopped at the end."""
    # The other commands have no use for MCP, which takes long to import.
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    server = StdioServerParameters(command=sys.executable, args=["-P", "-m", "patter_mcp"], env=_environment(home))
    try:
        async with Client(server) as client:
            yield _Assistant(client, quiet=quiet)
    finally:
        engine = find_engine(Settings(home=home))
        if engine is not None:
            os.kill(engine.pid, signal.SIGTERM)


def _environment(home: Path) -> dict[str, str]:
    """Ours, without what would make the demo call somebody real or need a key."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PATTER_", "DATABASE_URL"))}
    return {
        **kept,
        "PATTER_HOME": str(home),
        "PATTER_CARRIER": "sim",
        "PATTER_LLM_URL": "",
        "PATTER_LOG_LEVEL": "WARNING",
    }


def _show(result: Mapping[str, Any], home: Path) -> None:
    call = result["call"]
    details = call["details"]
    out.print(Rule("what the assistant reads"))
    for turn in result["transcript"]:
        show_turn(TurnView(**turn))
    out.print(Rule("how it went"))
    out.print(f"[green]{call['outcome']}[/]: {escape(call.get('reason', ''))} [dim]after {call['duration_s']} s[/]")
    if "latency" in details:
        out.print(latency_table(LatencySummary(**details["latency"])), soft_wrap=False)
    out.print(f"speech recognition  {escape(details.get('speech_to_text', ''))}")
    out.print(f"voice               {escape(details.get('text_to_speech', ''))}")
    out.print(f"language model      {escape(details.get('language_model', ''))}")
    out.print(f"recording           {escape(details.get('recording', ''))}")
    again = f"PATTER_HOME={home} {_this_command()}"
    err.print(f"\n[dim]Look at it again: {escape(again)} calls, {escape(again)} transcript {call['call_id']}[/]")


def _this_command() -> str:
    """How `getpatter` is typed here: a checkout's is not on the PATH."""
    return "getpatter" if shutil.which("getpatter") else os.path.relpath(sys.argv[0])
