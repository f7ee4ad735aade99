"""MCP over Streamable HTTP, at `/mcp` on the engine's private listener."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from getpatter.calls.switchboard import Switchboard
from getpatter.control.guard import Guard
from getpatter.control.wire import error_to_wire, status_of
from getpatter.errors import AccessDenied
from getpatter.observability.bus import EventBus
from getpatter.server.private_app import Mount
from patter_mcp.server import build_server

PATH = "/mcp"


def mount(switchboard: Switchboard, bus: EventBus, token: str) -> Mount:
    """MCP over `switchboard` for holders of the bearer token, under loopback names; a `server.engine.MountFactory`.

    The app knows `/mcp` alone and takes its whole path, so that no host is redirected to `/mcp/`: mount it last.
    """
    guard = Guard(token)
    server = build_server(switchboard)
    inner = server.streamable_http_app(streamable_http_path=PATH, transport_security=_security(guard))
    app = Starlette(routes=[Route(PATH, _Guarded(inner, guard))])
    return Mount(path="", app=app, lifespan=server.session_manager.run)


def _security(guard: Guard) -> TransportSecuritySettings:
    hosts = sorted(guard.hosts)
    names = [name for host in hosts for name in (host, f"{host}:*")]
    return TransportSecuritySettings(
        allowed_hosts=names, allowed_origins=[f"{scheme}://{name}" for scheme in ("http", "https") for name in names]
    )


@dataclass(frozen=True, slots=True)
class _Guarded:
    """Refuses before the protocol is spoken.

    The SDK's own bearer check comes with OAuth metadata, which would send hosts to an authorization server that does
    not exist.
    """

    app: ASGIApp
    guard: Guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self.guard.check(Headers(scope=scope))
            except AccessDenied as denied:
                refusal = JSONResponse(error_to_wire(denied), status_of(denied), headers={"WWW-Authenticate": "Bearer"})
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)
