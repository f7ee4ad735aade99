"""`getpatter call`, `calls`, `transcript`, `transfer`, `press` and `hang-up`: the switchboard from a terminal."""

from __future__ import annotations

import time
from textwrap import shorten
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from getpatter.calls.policy import normalize
from getpatter.calls.views import CallQuery, CallView, PlaceCall, TurnView
from getpatter.cli.console import err, fail, out, run, settings, switchboard
from getpatter.cli.figures import became, carrier_cost, cost, cost_parts, counts, latency_table, typical, waited
from getpatter.control.remote import RemoteSwitchboard
from getpatter.errors import InvalidRequest, PatterError
from getpatter.events import TransferMode

FOLLOW_S = 30.0
COLUMNS = ("call", "when", "", "number", "status", "length", "turns", "answers p50/p95", "cost", "goal")
COLORS = {"agent": "cyan", "caller": "green"}


def call(
    number: Annotated[str, typer.Argument(help="Whom to call, e.g. +12025550100 (see `getpatter sim list`).")],
    goal: Annotated[str, typer.Argument(help="What the call is to achieve.")],
    first_message: Annotated[str, typer.Option(help="What the agent says when the call is answered.")] = "",
    voicemail: Annotated[str, typer.Option(help="Message to leave on an answering machine.")] = "",
) -> None:
    """Place a call and follow it."""
    try:
        request = PlaceCall(
            to_number=normalize(number), goal=goal, first_message=first_message, voicemail_message=voicemail
        )
    except PatterError as error:
        fail(error)
    except ValidationError as invalid:
        fail(InvalidRequest("; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in invalid.errors())))
    run(_place_and_follow(request))


async def _place_and_follow(request: PlaceCall) -> None:
    async with switchboard(settings(), start=True) as remote:
        view = await remote.place(request)
        for note in view.notes:
            out.print(f"[yellow]{escape(note)}[/]")
        out.print(f"{view.call_id}: calling {view.to_number}")
        show_end(await follow(remote, view))


async def follow(remote: RemoteSwitchboard, view: CallView) -> CallView:
    """Print each turn as it is known, until the call ends."""
    told, status = -1, view.status
    while True:
        page = await remote.transcript(view.call_id, after=told)
        for turn in page.turns:
            show_turn(turn)
            told = turn.index
        if view.ended:
            return view
        view = await remote.wait(view.call_id, timeout_s=FOLLOW_S, after_seq=view.last_seq)
        if view.status != status and not view.ended:
            out.print(f"[dim]{view.status.replace('_', ' ')}[/]")
        status = view.status


def show_turn(turn: TurnView) -> None:
    color = COLORS[turn.role]
    cut = " [dim](interrupted)[/]" if turn.interrupted else ""
    wait = waited(turn)
    took = f" [dim]{wait}[/]" if wait else ""
    out.print(f"[dim]{turn.at_s:6.1f}s[/] [{color}]{turn.role:>6}[/]  {escape(turn.text)}{cut}{took}")


def show_end(view: CallView) -> None:
    color = "green" if view.outcome in ("answered", "voicemail") else "yellow"
    out.print(f"[{color}]{view.outcome}[/]: {escape(view.reason)} [dim]after {view.duration_s:.1f} s[/]")
    if view.error and view.error != view.reason:
        out.print(f"[red]{escape(view.error)}[/]")
    if view.transferred_to and view.transferred_to not in view.reason:
        out.print(f"transferred to {escape(view.transferred_to)}")
    if view.recording:
        out.print(f"recording: {escape(view.recording)}")
    if view.carrier_recording:
        out.print(f"carrier's recording: {escape(view.carrier_recording)}")


def calls(
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    number: Annotated[str, typer.Option(help="Part of either number.")] = "",
) -> None:
    """List calls, newest first."""

    async def ask() -> list[CallView]:
        async with switchboard(settings(), start=True) as remote:
            return await remote.list(CallQuery(limit=limit, number=number))

    table = Table(box=None, pad_edge=False)
    rows = [_row(view) for view in run(ask())]
    for column in COLUMNS:
        table.add_column(column, no_wrap=column != "goal")
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table, soft_wrap=False)


def _row(view: CallView) -> tuple[str, ...]:
    return (
        view.call_id,
        time.strftime("%Y-%m-%d %H:%M", time.localtime(view.created_at)),
        "→" if view.direction == "outbound" else "←",
        view.to_number if view.direction == "outbound" else view.from_number,
        became(view),
        f"{view.duration_s:.0f} s",
        str(view.turns),
        typical(view),
        cost(view),
        shorten(view.goal, 60, placeholder=" …"),
    )


def transcript(call_id: str) -> None:
    """Print what was said in a call, how long each answer took and what took longest of it."""

    async def ask() -> CallView:
        async with switchboard(settings(), start=True) as remote:
            view = await remote.get(call_id)
            after: int | None = -1
            while after is not None:
                page = await remote.transcript(call_id, after=after)
                for turn in page.turns:
                    show_turn(turn)
                after = page.next_after
            return view

    view = run(ask())
    if view.ended:
        show_end(view)
    else:
        out.print(f"[dim]{view.status.replace('_', ' ')}[/]")
    out.print(counts(view))
    out.print(f"cost: {cost_parts(view)}")
    out.print(f"carrier's price: {carrier_cost(view)}")
    if view.latency is not None:
        out.print(latency_table(view.latency), soft_wrap=False)


def transfer(
    call_id: str,
    number: Annotated[str, typer.Argument(help="Who takes over, e.g. +12025550100.")],
    warm: Annotated[bool, typer.Option(help="Tell them the summary before they get the caller.")] = False,
    summary: Annotated[str, typer.Option(help="What the call is about.")] = "",
) -> None:
    """Connect the other side of a call to another number, and end the agent's part."""
    mode: TransferMode = "warm" if warm else "cold"

    async def ask() -> CallView:
        async with switchboard(settings()) as remote:
            return await remote.transfer(call_id, normalize(number), mode=mode, summary=summary)

    with err.status("Waiting for whoever is to take over ..." if warm else "Transferring ..."):
        view = run(ask())
    show_end(view)


def press(call_id: str, digits: Annotated[str, typer.Argument(help="0-9, *, #, A-D; w waits half a second.")]) -> None:
    """Press telephone keys in a call, once what the agent is saying was heard."""

    async def ask() -> None:
        async with switchboard(settings()) as remote:
            await remote.send_dtmf(call_id, digits)

    run(ask())
    out.print(f"pressed {escape(digits)}")


def hang_up(call_id: str) -> None:
    """End a call now."""

    async def ask() -> CallView:
        async with switchboard(settings()) as remote:
            return await remote.hang_up(call_id, reason="hung up from the command line")

    show_end(run(ask()))
