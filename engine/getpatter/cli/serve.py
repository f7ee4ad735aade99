"""`getpatter serve`, `status` and `stop`: the engine process."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from textwrap import shorten
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape

from getpatter.calls.inbound_memory import InboundMemory
from getpatter.calls.views import InboundView, ServeInbound
from getpatter.cli.console import err, fail, out, run, settings, switchboard
from getpatter.clock import SystemClock
from getpatter.control.launch import find_engine
from getpatter.control.wire import EngineStatus
from getpatter.errors import InvalidRequest, PatterError
from getpatter.observability import logs
from getpatter.settings import Settings

STOP_POLL_S = 0.1


def serve(
    port: Annotated[int | None, typer.Option(help="Private port: control API and MCP, on loopback. 0 is any.")] = None,
    carrier_port: Annotated[int | None, typer.Option(help="Port for carriers: webhooks and media. 0 is any.")] = None,
    answer: Annotated[str, typer.Option(help="Answer incoming calls with this task, this time.")] = "",
    greeting: Annotated[str, typer.Option(help="What the agent says first to a caller.")] = "",
) -> None:
    """Run the engine: live calls, control API, MCP over HTTP at /mcp."""
    chosen = settings(port=port, carrier_port=carrier_port)
    logs.set_up(chosen.log_level, "%(asctime)s %(levelname)s %(name)s: %(message)s")
    inbound = _inbound(answer, greeting) if answer else None
    import uvloop

    try:
        uvloop.run(_serve(chosen, inbound))
    except PatterError as error:
        fail(error)


async def _serve(chosen: Settings, inbound: ServeInbound | None) -> None:
    # No other command has a use for the engine's modules, which take seconds of CPU to import.
    from getpatter.server.engine import Engine
    from getpatter.server.garbage import QuietGarbage
    from patter_mcp import http as mcp_http

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _on_signal, stopped, number)
    async with Engine(chosen, mounts=[mcp_http.mount]) as engine:
        await engine.answer(inbound)
        garbage = QuietGarbage(SystemClock(), lambda: engine.live_calls)
        garbage.start()
        engine.bus.subscribe(garbage.listen)
        reached = f" at {engine.public_url}" if engine.public_url != engine.carrier_url else ""
        err.print(f"patter is ready. Control and MCP: {engine.private_url}  carriers: {engine.carrier_url}{reached}")
        await stopped.wait()
        if engine.live_calls:
            err.print(f"Stopping: {engine.live_calls} calls may go on for {chosen.drain_s:g} s. Again to stop at once.")


def _on_signal(stopped: asyncio.Event, number: int) -> None:
    if stopped.is_set():
        os._exit(128 + number)
    stopped.set()


def status() -> None:
    """Tell whether the engine runs, where, and what it does."""
    chosen = settings()
    engine = find_engine(chosen)
    if engine is None:
        out.print(f"No engine runs for {chosen.home}.")
        raise typer.Exit(1)

    async def ask() -> EngineStatus:
        async with switchboard(chosen) as remote:
            return await remote.status()

    told = run(ask())
    out.print(f"The engine runs as process {engine.pid}, version {engine.version}, with {told.live_calls} live calls.")
    if told.inbound is not None:
        out.print(escape(how_answered(told.inbound)))
    out.print(f"Control and MCP: {engine.private_url}  carriers: {engine.carrier_url}  home: {chosen.home}")


def answer(
    task: Annotated[str, typer.Argument(help="What the agent is to do for callers.")] = "",
    greeting: Annotated[str, typer.Option(help="What the agent says first to a caller.")] = "",
    stop: Annotated[bool, typer.Option("--stop", help="Turn callers away again, after restarts too.")] = False,
) -> None:
    """Answer incoming calls, now and after each restart of the engine, until `answer --stop`."""
    chosen = settings()
    request = _inbound(task, greeting, enabled=not stop)
    if stop and find_engine(chosen) is None:
        InboundMemory(chosen.home).save(request)
        out.print("Incoming calls will be turned away.")
        return

    async def ask() -> InboundView:
        async with switchboard(chosen, start=True) as remote:
            return await remote.serve_inbound(request)

    view = run(ask())
    out.print(escape(how_answered(view)))
    if view.how_to_try:
        out.print(escape(f"To try it: {view.how_to_try}"))


def _inbound(task: str, greeting: str, *, enabled: bool = True) -> ServeInbound:
    try:
        return ServeInbound(goal=task, enabled=enabled, **({"first_message": greeting} if greeting else {}))
    except ValidationError as invalid:
        fail(InvalidRequest("; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in invalid.errors())))


def how_answered(view: InboundView) -> str:
    """Whether calls to our number are answered, and with which task."""
    if not view.enabled:
        return f"Calls to {view.phone_number} are turned away."
    return f"Calls to {view.phone_number} are answered: {shorten(view.goal or 'as the caller wants', 200)}"


def stop() -> None:
    """Stop the engine once its calls have ended or said goodbye."""
    chosen = settings()
    engine = find_engine(chosen)
    if engine is None:
        out.print(f"No engine runs for {chosen.home}.")
        return
    os.kill(engine.pid, signal.SIGTERM)
    with err.status(f"Waiting for process {engine.pid} to end its calls ..."):
        while find_engine(chosen) is not None:
            time.sleep(STOP_POLL_S)
    out.print("The engine has stopped.")
