"""The control API: a switchboard over HTTP, for processes on the same machine."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute

from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import CallQuery, CallView, InboundView, PlaceCall, ServeInbound, TranscriptPage
from getpatter.control.guard import Guard
from getpatter.control.sse import HEARTBEAT, frame
from getpatter.control.wire import (
    MAX_WAIT_S,
    PREFIX,
    EngineStatus,
    HangUp,
    SendDtmf,
    Transfer,
    error_to_wire,
    status_of,
)
from getpatter.errors import InvalidRequest, PatterError
from getpatter.events import CallEnded, CallPlaced, Event, encode
from getpatter.observability.bus import EventBus
from getpatter.version import __version__

log = logging.getLogger(__name__)

HEARTBEAT_S = 15.0
MAX_UNREAD = 10_000
"""Events kept for one reader of a stream; a call has a few a second."""

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def _not_known() -> InboundView | None:
    """For switchboards that do not tell how they answer."""
    return None


def control_router(
    switchboard: Switchboard,
    bus: EventBus,
    token: str,
    *,
    hosts: Collection[str] = (),
    inbound: Callable[[], InboundView | None] = _not_known,
) -> APIRouter:
    """Routes under `/api/control`.  Every request needs the bearer token and a loopback Host, or one of `hosts`.

    `inbound` tells how incoming calls are answered, for `/status`.

    The two event streams go on until their reader leaves, so a server that stops must not wait for them.
    """
    api = _ControlApi(switchboard, bus, inbound)
    guarded = _guarded(Guard.for_hosts(token, hosts))
    router = APIRouter(prefix=PREFIX, route_class=guarded, include_in_schema=False, lifespan=api.lifespan)
    for method, path, endpoint in (
        ("POST", "/calls", api.place),
        ("GET", "/calls", api.list),
        ("GET", "/calls/{call_id}", api.get),
        ("GET", "/calls/{call_id}/wait", api.wait),
        ("GET", "/calls/{call_id}/transcript", api.transcript),
        ("POST", "/calls/{call_id}/hang_up", api.hang_up),
        ("POST", "/calls/{call_id}/transfer", api.transfer),
        ("POST", "/calls/{call_id}/send_dtmf", api.send_dtmf),
        ("POST", "/inbound", api.serve_inbound),
        ("GET", "/status", api.status),
    ):
        router.add_api_route(path, endpoint, methods=[method])
    router.add_api_route("/calls/{call_id}/events", api.call_events, methods=["GET"], response_model=None)
    router.add_api_route("/events", api.all_events, methods=["GET"], response_model=None)
    return router


class _ControlApi:
    """The endpoints; each hands over to the switchboard."""

    def __init__(
        self, switchboard: Switchboard, bus: EventBus, inbound: Callable[[], InboundView | None] = _not_known
    ) -> None:
        self._switchboard = switchboard
        self._bus = bus
        self._inbound = inbound
        self._live: set[str] = set()
        self._unsubscribe = bus.subscribe(self._count)

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[None]:
        """Of the application: the bus may outlive it."""
        try:
            yield
        finally:
            self._unsubscribe()

    async def place(self, request: PlaceCall) -> CallView:
        return await self._switchboard.place(request)

    async def list(self, query: Annotated[CallQuery, Query()]) -> Sequence[CallView]:
        return await self._switchboard.list(query)

    async def get(self, call_id: str) -> CallView:
        return await self._switchboard.get(call_id)

    async def wait(
        self,
        call_id: str,
        timeout_s: Annotated[float, Query(ge=0, le=MAX_WAIT_S)] = 30.0,
        after_seq: Annotated[int | None, Query(ge=0)] = None,
    ) -> CallView:
        return await self._switchboard.wait(call_id, timeout_s=timeout_s, after_seq=after_seq)

    async def transcript(
        self,
        call_id: str,
        after: Annotated[int, Query(ge=-1)] = -1,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    ) -> TranscriptPage:
        return await self._switchboard.transcript(call_id, after=after, limit=limit)

    async def hang_up(self, call_id: str, request: HangUp) -> CallView:
        return await self._switchboard.hang_up(call_id, reason=request.reason)

    async def transfer(self, call_id: str, request: Transfer) -> CallView:
        return await self._switchboard.transfer(call_id, request.number, mode=request.mode, summary=request.summary)

    async def send_dtmf(self, call_id: str, request: SendDtmf) -> CallView:
        return await self._switchboard.send_dtmf(call_id, request.digits)

    async def serve_inbound(self, request: ServeInbound) -> InboundView:
        return await self._switchboard.serve_inbound(request)

    async def status(self) -> EngineStatus:
        return EngineStatus(version=__version__, pid=os.getpid(), live_calls=len(self._live), inbound=self._inbound())

    async def call_events(self, call_id: str) -> Response:
        await self._switchboard.get(call_id)
        return _event_stream(self._until_ended(call_id))

    async def all_events(self) -> Response:
        return _event_stream(self._forever())

    async def _until_ended(self, call_id: str) -> AsyncIterator[bytes]:
        with _heard(self._bus, lambda event: event.call_id == call_id) as queue:
            yield HEARTBEAT
            # Asked once we are subscribed: a call that ended before that says nothing more.
            ended = (await self._switchboard.get(call_id)).ended
            while not (ended and queue.empty()):
                event = await _next(queue)
                yield _frame(event)
                if isinstance(event, CallEnded):
                    return

    async def _forever(self) -> AsyncIterator[bytes]:
        with _heard(self._bus, lambda event: True) as queue:
            yield HEARTBEAT
            while True:
                yield _frame(await _next(queue))

    def _count(self, event: Event) -> None:
        if isinstance(event, CallPlaced):
            self._live.add(event.call_id)
        elif isinstance(event, CallEnded):
            self._live.discard(event.call_id)


class _TooSlow(Exception):
    """A reader has left more events unread than are kept for it."""


@contextmanager
def _heard(bus: EventBus, wanted: Callable[[Event], bool]) -> Iterator[asyncio.Queue[Event | None]]:
    """The wanted events from now on, and None once `MAX_UNREAD` wait: a reader who stopped must cost little."""
    queue: asyncio.Queue[Event | None] = asyncio.Queue(MAX_UNREAD + 1)

    def put(event: Event) -> None:
        if wanted(event) and queue.qsize() <= MAX_UNREAD:
            queue.put_nowait(event if queue.qsize() < MAX_UNREAD else None)

    unsubscribe = bus.subscribe(put)
    try:
        yield queue
    except _TooSlow:
        log.warning("an event stream was ended: its reader left %d events unread", MAX_UNREAD)
    finally:
        unsubscribe()


async def _next(queue: asyncio.Queue[Event | None]) -> Event | None:
    """The next event, or None when it is time for a heartbeat.  Raises `_TooSlow` after the last event kept."""
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            event = await queue.get()
    except TimeoutError:
        return None
    if event is None:
        raise _TooSlow
    return event


def _frame(event: Event | None) -> bytes:
    return HEARTBEAT if event is None else frame(encode(event), event.seq)


def _event_stream(frames: AsyncIterator[bytes]) -> StreamingResponse:
    # The first heartbeat goes out at once and tells the reader that it is subscribed.
    return StreamingResponse(frames, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _guarded(guard: Guard) -> type[APIRoute]:
    """A route class that admits a request before reading it, and answers every failure as a typed error."""

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> _Handler:
            handler = super().get_route_handler()

            async def handle(request: Request) -> Response:
                try:
                    guard.check(request.headers)
                    return await handler(request)
                except PatterError as error:
                    return _failure(error)
                except RequestValidationError as invalid:
                    return _failure(_invalid(invalid))
                except Exception:  # the edge of the API: a fault of ours must not tell its insides
                    log.exception("%s %s failed", request.method, request.url.path)
                    return _failure(PatterError("The engine failed at this request; its log says how."))

            return handle

    return GuardedRoute


def _failure(error: PatterError) -> JSONResponse:
    return JSONResponse(error_to_wire(error), status_code=status_of(error))


def _invalid(invalid: RequestValidationError) -> InvalidRequest:
    faults = "; ".join(f"{_field(fault['loc'])}: {fault['msg']}" for fault in invalid.errors())
    return InvalidRequest(f"The request cannot be used: {faults}.", next_step="Correct it and send it again.")


def _field(location: Sequence[str | int]) -> str:
    """Where a fault is, without the leading `body` or `query`."""
    return ".".join(map(str, location[1:])) or str(location[0])
