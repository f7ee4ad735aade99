"""`patter-mcp`: telephone calls for an AI assistant over standard input and output."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from getpatter import settings as settings_module
from getpatter.control.launch import find_or_start
from getpatter.errors import PatterError
from getpatter.observability import logs
from getpatter.settings import Settings
from getpatter.version import __version__
from patter_mcp.link import EngineLink
from patter_mcp.server import build_server
from patter_mcp.stdio import leave, serve_stdio

log = logging.getLogger("patter_mcp")


def main() -> None:
    options = _parser().parse_args()
    try:
        # No .env: the working directory is that of the project which the host has open.
        settings = settings_module.load(_env_file=None)
        # Standard output carries the protocol.
        logs.set_up(settings.log_level, "%(levelname)s %(name)s: %(message)s", sys.stderr)
        asyncio.run(_embedded(settings) if options.embedded else _front_end(settings))
    except PatterError as error:
        sys.exit(" ".join(filter(None, (f"patter-mcp: {error.message}", error.next_step))))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="patter-mcp",
        description="An MCP server (standard input and output) that places and answers telephone calls. "
        "It finds the engine of this PATTER_HOME, or starts it at the first call; calls outlive this process.",
    )
    parser.add_argument("--embedded", action="store_true", help="run the engine in this process; calls end with it")
    parser.add_argument("--version", action="version", version=f"patter-mcp {__version__}")
    return parser


async def _front_end(settings: Settings) -> None:
    async with EngineLink(settings, start=lambda: find_or_start(settings, on_progress=log.info)) as link:
        status = await serve_stdio(build_server(link))
    if status:
        leave(status)


async def _embedded(settings: Settings) -> None:
    # The front end has no use for the engine's modules, which take long to import.
    from getpatter.server.engine import Engine
    from patter_mcp.http import mount

    async with Engine(settings, mounts=[mount]) as engine:
        await engine.answer()
        status = await serve_stdio(build_server(engine.switchboard))
    if status:
        leave(status)
