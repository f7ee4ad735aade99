"""An ASGI application on a real socket, for tests of HTTP clients."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


class Serving:
    """A server that runs; `url` is its base URL."""

    def __init__(self, url: str, server: uvicorn.Server) -> None:
        self.url = url
        self._server = server

    def drop(self) -> None:
        """Break all connections, also those whose requests have no answer yet."""
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve `app` on a free loopback port; gives its base URL.  Open streams are cut at the end."""
    async with serving(app) as server:
        yield server.url


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[Serving]:
    """The same, for who wants to do more to it than to ask."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=0)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        host, port = listener.getsockname()
        while not (server.started or running.done()):  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0)
        try:
            yield Serving(f"http://{host}:{port}", server)
        finally:
            server.should_exit = True
            await running
