"""The switchboard of an engine that runs in another process."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

import httpx
import msgspec
from pydantic import BaseModel, TypeAdapter, ValidationError

from getpatter.calls.views import CallQuery, CallView, InboundView, PlaceCall, ServeInbound, TranscriptPage
from getpatter.clock import Clock, SystemClock
from getpatter.control.sse import FrameDecoder
from getpatter.control.wire import MAX_WAIT_S, PREFIX, EngineStatus, HangUp, SendDtmf, Transfer, error_from_wire
from getpatter.errors import CallNotFound, EngineUnavailable, InvalidRequest
from getpatter.events import CallEnded, Event, TransferMode, decode

_T = TypeVar("_T")
_Body = TypeVar("_Body", bound=BaseModel)

_CALLS: TypeAdapter[list[CallView]] = TypeAdapter(list[CallView])

_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")

CONNECT_S = 5.0
ANSWER_S = 30.0
"""Longest silence of a healthy engine, on top of a long poll's own time.  The event streams' heartbeat is shorter."""
TRANSFER_S = 210.0
"""Longest that a transfer takes: a colleague's telephone rings, and they are told what it is about."""

_TRANSFER = httpx.Timeout(TRANSFER_S, connect=CONNECT_S)


class RemoteSwitchboard:
    """`calls.switchboard.Switchboard` over the control API at `base_url`, e.g. http://127.0.0.1:8000

    Raises the engine's own errors, and `EngineUnavailable` when it cannot be reached or something else answers there.
    After a lost connection a request may or may not have been carried out; nothing is repeated by itself.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = base_url.rstrip("/")
        self._clock = clock or SystemClock()
        self._http = httpx.AsyncClient(
            base_url=self._url + PREFIX,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            transport=transport,
            # A proxy for the internet must not see requests to this machine, nor the token.
            trust_env=False,
        )

    async def place(self, request: PlaceCall) -> CallView:
        return await self._view(CallView, "POST", "/calls", body=request)

    async def wait(self, call_id: str, *, timeout_s: float, after_seq: int | None = None) -> CallView:
        deadline = self._clock.now() + timeout_s
        while True:
            left = max(0.0, deadline - self._clock.now())
            view = await self._poll(call_id, min(left, MAX_WAIT_S), after_seq)
            news = after_seq is not None and view.last_seq > after_seq
            if view.ended or news or self._clock.now() >= deadline:
                return view

    async def get(self, call_id: str) -> CallView:
        return await self._view(CallView, "GET", _path(call_id))

    async def list(self, query: CallQuery) -> list[CallView]:
        params = query.model_dump(mode="json", exclude_defaults=True)
        return self._parsed(_CALLS, await self._request("GET", "/calls", params=params))

    async def transcript(self, call_id: str, *, after: int = -1, limit: int = 50) -> TranscriptPage:
        params = {"after": after, "limit": limit}
        return await self._view(TranscriptPage, "GET", _path(call_id, "/transcript"), params=params)

    async def hang_up(self, call_id: str, *, reason: str = "") -> CallView:
        return await self._view(CallView, "POST", _path(call_id, "/hang_up"), body=HangUp(reason=reason))

    async def transfer(self, call_id: str, number: str, *, mode: TransferMode = "cold", summary: str = "") -> CallView:
        body = _checked(Transfer, number=number, mode=mode, summary=summary)
        return await self._view(CallView, "POST", _path(call_id, "/transfer"), body=body, timeout=_TRANSFER)

    async def send_dtmf(self, call_id: str, digits: str) -> CallView:
        body = _checked(SendDtmf, digits=digits)
        return await self._view(CallView, "POST", _path(call_id, "/send_dtmf"), body=body)

    async def serve_inbound(self, request: ServeInbound) -> InboundView:
        return await self._view(InboundView, "POST", "/inbound", body=request)

    async def status(self) -> EngineStatus:
        return await self._view(EngineStatus, "GET", "/status")

    async def events(self, call_id: str | None = None) -> AsyncIterator[Event]:
        """The events of one call from now until it ends, or of all calls until the reader stops."""
        path = "/events" if call_id is None else _path(call_id, "/events")
        decoder = FrameDecoder()
        try:
            async with self._http.stream("GET", path) as response:
                if response.is_error:
                    await response.aread()
                self._check(response)
                async for chunk in response.aiter_bytes():
                    for event in map(_event, decoder.feed(chunk)):
                        if event is not None:
                            yield event
                        if call_id is not None and isinstance(event, CallEnded):
                            return
        except httpx.TransportError as lost:
            raise self._unreachable(lost, may_be_done=False) from lost

    async def aclose(self) -> None:
        """Close the connections; calls go on."""
        await self._http.aclose()

    async def _poll(self, call_id: str, timeout_s: float, after_seq: int | None) -> CallView:
        params: dict[str, Any] = {"timeout_s": timeout_s}
        if after_seq is not None:
            params["after_seq"] = after_seq
        timeout = httpx.Timeout(timeout_s + ANSWER_S, connect=CONNECT_S)
        return await self._view(CallView, "GET", _path(call_id, "/wait"), params=params, timeout=timeout)

    async def _view(
        self,
        view: type[_T],
        method: str,
        path: str,
        *,
        body: BaseModel | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: httpx.Timeout | None = None,
    ) -> _T:
        content = None if body is None else body.model_dump_json().encode()
        return self._parsed(TypeAdapter(view), await self._request(method, path, content, params, timeout))

    async def _request(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: httpx.Timeout | None = None,
    ) -> bytes:
        headers = {"Content-Type": "application/json"} if content is not None else None
        limit = timeout if timeout is not None else self._http.timeout
        try:
            response = await self._http.request(
                method, path, content=content, params=params, headers=headers, timeout=limit
            )
        except httpx.TransportError as lost:
            raise self._unreachable(lost, may_be_done=method != "GET") from lost
        self._check(response)
        return response.content

    def _check(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        raise error_from_wire(response.content) or self._stranger(f"HTTP status {response.status_code}")

    def _parsed(self, shape: TypeAdapter[_T], content: bytes) -> _T:
        try:
            return shape.validate_json(content)
        except ValidationError:
            raise self._stranger("an answer of another shape") from None

    def _unreachable(self, lost: httpx.TransportError, *, may_be_done: bool) -> EngineUnavailable:
        if isinstance(lost, httpx.ConnectError | httpx.ConnectTimeout):
            return EngineUnavailable(
                f"No engine answers at {self._url}.", next_step="Start it with `getpatter serve` and try again."
            )
        return EngineUnavailable(
            f"The connection to the engine at {self._url} was lost before it answered.",
            next_step="Look at the calls before repeating the request: it may have been carried out."
            if may_be_done
            else "Ask again.",
        )

    def _stranger(self, what: str) -> EngineUnavailable:
        return EngineUnavailable(
            f"What answers at {self._url} is not an engine of this version: it sent {what}.",
            next_step="See which process listens there, and restart the engine with `getpatter serve`.",
        )


def _path(call_id: str, suffix: str = "") -> str:
    # A slash or dots in it would ask for another path, and no engine gives out such ids.
    if not _CALL_ID.fullmatch(call_id):
        raise CallNotFound(f"There is no call {call_id!r}.", next_step="List the calls to find the right call_id.")
    return f"/calls/{call_id}{suffix}"


def _event(data: bytes) -> Event | None:
    """None for an event that only a newer engine knows."""
    try:
        return decode(data)
    except msgspec.ValidationError:
        return None


def _checked(body: type[_Body], **fields: str) -> _Body:
    try:
        return body(**fields)
    except ValidationError as invalid:
        raise InvalidRequest(f"The request cannot be used: {invalid.errors()[0]['msg']}.") from None
