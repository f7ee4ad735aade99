"""The private listener: control API, health, and what is mounted beside them.  Stays on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp

from getpatter.calls.remembering import RememberingSwitchboard
from getpatter.control.api import control_router
from getpatter.observability.bus import EventBus
from getpatter.version import __version__


@dataclass(frozen=True, slots=True)
class Mount:
    """An ASGI app under `path`; `lifespan` runs around it, for a mounted app's own never does."""

    path: str
    app: ASGIApp
    lifespan: Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Health:
    """What `/health` tells."""

    state: Callable[[], str]
    """`ok` or `draining`; anything but ok answers 503, so that nothing new is sent here."""
    details: Callable[[], Mapping[str, object]]


def private_app(
    switchboard: RememberingSwitchboard, bus: EventBus, token: str, health: Health, mounts: Sequence[Mount] = ()
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for mount in mounts:
                await stack.enter_async_context(mount.lifespan())
            yield

    app = FastAPI(title="patter", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.include_router(control_router(switchboard, bus, token, inbound=lambda: switchboard.inbound))

    @app.get("/health")
    async def tell_health() -> JSONResponse:
        state = health.state()
        body = {"status": state, "version": __version__, **health.details()}
        return JSONResponse(body, 200 if state == "ok" else 503)

    for mount in mounts:
        app.mount(mount.path, mount.app)
    return app
