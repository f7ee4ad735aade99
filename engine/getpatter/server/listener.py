"""One HTTP listener inside a process that has several."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from getpatter.errors import ConfigurationError
from getpatter.server.guarded_http import guarded_http

BACKLOG = 1024
"""Connections that may wait while the event loop is busy; carriers open many at once after an outage."""
STOP_S = 3.0
"""How long open requests (long polls, event streams) may hold up a stop."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process, which has calls to end first."""
        yield


class Listener:
    """Binds at once, so that its port is known; serves between `start` and `stop`."""

    def __init__(self, host: str, port: int, *, setting: str) -> None:
        """Port 0 takes a free one.  Raises `ConfigurationError`, naming `setting`, when the port is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            # Two may bind a port that neither listens on yet.
            self._socket.listen(BACKLOG)
        except OSError as error:
            self._socket.close()
            raise ConfigurationError(
                f"Cannot listen on {host} port {port}: {error.strerror}.",
                next_step=f"Stop what uses that port, or set {setting} to another one.",
            ) from None
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """How this machine reaches it; a listener on all addresses is named by its loopback one."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    async def start(self, app: ASGIApp, *, ws: type[asyncio.Protocol] | None = None) -> None:
        """Serve; returns once connections are taken."""
        config = uvicorn.Config(
            app,
            ws=ws or "none",
            http=guarded_http(),
            log_config=None,
            # By default uvicorn takes a peer's address from headers that anybody behind a tunnel can write.
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=int(STOP_S),
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([self._socket]), name=f"listener {self.port}")
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise ConfigurationError(f"The listener on port {self.port} did not start.")
            await asyncio.sleep(0.005)  # uvicorn tells nobody when it is ready

    async def stop(self) -> None:
        if self._server is None or self._task is None:
            self._socket.close()
            return
        self._server.should_exit = True
        await self._task
