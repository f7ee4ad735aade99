"""An MCP server on standard input and output, ended by the end of input or by a signal."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Any, NoReturn

from mcp.server import MCPServer

SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve_stdio(server: MCPServer[Any]) -> int:
    """Serve until the host closes standard input, or until a signal comes; gives the exit status.

    After a signal (status 128 + its number) the caller cleans up and then must `leave`: the thread that reads standard
    input cannot be cancelled and would keep the process.  A second signal ends the process at once.
    """
    loop = asyncio.get_running_loop()
    signalled: asyncio.Future[int] = loop.create_future()

    def on_signal(number: int) -> None:
        if signalled.done():
            leave(128 + number)
        signalled.set_result(128 + number)

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    serving = asyncio.create_task(server.run_stdio_async())
    either: set[asyncio.Future[Any]] = {serving, signalled}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if signalled.done():
        return signalled.result()
    signalled.cancel()
    await serving
    return 0


def leave(status: int) -> NoReturn:
    """End the process now, whatever its threads do."""
    logging.shutdown()
    os._exit(status)
