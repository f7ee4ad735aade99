"""`getpatter serve`, `status` and `stop`: the engine process."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Annotated

import typer

from getpatter.calls.views import ServeInbound
from getpatter.cli.console import err, fail, out, run, settings, switchboard
from getpatter.clock import SystemClock
from getpatter.control.launch import find_engine
from getpatter.errors import PatterError
from getpatter.observability import logs
from getpatter.settings import Settings

STOP_POLL_S = 0.1


def serve(
    port: Annotated[int | None, typer.Option(help="Private port: control API and MCP, on loopback. 0 is any.")] = None,
    carrier_port: Annotated[int | None, typer.Option(help="Port for carriers: webhooks and media. 0 is any.")] = None,
    answer: Annotated[str, typer.Option(help="Answer incoming calls, with this task for the agent.")] = "",
    greeting: Annotated[str, typer.Option(help="What the agent says first to a caller.")] = "",
) -> None:
    """Run the engine: live calls, control API, MCP over HTTP at /mcp."""
    chosen = settings(port=port, carrier_port=carrier_port)
    logs.set_up(chosen.log_level, "%(asctime)s %(levelname)s %(name)s: %(message)s")
    inbound = ServeInbound(goal=answer, **({"first_message": greeting} if greeting else {})) if answer else None
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
        if inbound is not None:
            await engine.switchboard.serve_inbound(inbound)
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

    async def ask() -> int:
        async with switchboard(chosen) as remote:
            return (await remote.status()).live_calls

    out.print(f"The engine runs as process {engine.pid}, version {engine.version}, with {run(ask())} live calls.")
    out.print(f"Control and MCP: {engine.private_url}  carriers: {engine.carrier_url}  home: {chosen.home}")


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
