"""The engine of this `PATTER_HOME` as a switchboard, found or started when it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from getpatter.calls.views import CallQuery, CallView, InboundView, PlaceCall, ServeInbound, TranscriptPage
from getpatter.control.beacon import EngineInfo
from getpatter.control.launch import find_engine, find_or_start
from getpatter.control.remote import RemoteSwitchboard
from getpatter.events import TransferMode
from getpatter.settings import Settings

Start = Callable[[], Awaitable[EngineInfo]]


class EngineLink:
    """A `calls.switchboard.Switchboard` that looks for the engine at every use and starts one when there is none.

    So nothing is started before it is needed, and an engine that was restarted meanwhile is found again.  A request
    that was on its way when the engine went away fails with `EngineUnavailable` and is not repeated.
    """

    def __init__(self, settings: Settings, *, start: Start | None = None) -> None:
        self._settings = settings
        self._start = start or (lambda: find_or_start(settings))
        self._engine: EngineInfo | None = None
        self._remote: RemoteSwitchboard | None = None
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._remote is not None:
            await self._remote.aclose()

    async def place(self, request: PlaceCall) -> CallView:
        return await (await self._connected()).place(request)

    async def wait(self, call_id: str, *, timeout_s: float, after_seq: int | None = None) -> CallView:
        return await (await self._connected()).wait(call_id, timeout_s=timeout_s, after_seq=after_seq)

    async def get(self, call_id: str) -> CallView:
        return await (await self._connected()).get(call_id)

    async def list(self, query: CallQuery) -> list[CallView]:
        return await (await self._connected()).list(query)

    async def transcript(self, call_id: str, *, after: int = -1, limit: int = 50) -> TranscriptPage:
        return await (await self._connected()).transcript(call_id, after=after, limit=limit)

    async def hang_up(self, call_id: str, *, reason: str = "") -> CallView:
        return await (await self._connected()).hang_up(call_id, reason=reason)

    async def transfer(self, call_id: str, number: str, *, mode: TransferMode = "cold", summary: str = "") -> CallView:
        return await (await self._connected()).transfer(call_id, number, mode=mode, summary=summary)

    async def send_dtmf(self, call_id: str, digits: str) -> CallView:
        return await (await self._connected()).send_dtmf(call_id, digits)

    async def serve_inbound(self, request: ServeInbound) -> InboundView:
        return await (await self._connected()).serve_inbound(request)

    async def _connected(self) -> RemoteSwitchboard:
        async with self._connecting:
            running = find_engine(self._settings)
            if self._remote is not None and running is not None and running == self._engine:
                return self._remote
            engine = await self._start()
            if self._remote is not None:
                await self._remote.aclose()
            self._engine, self._remote = engine, RemoteSwitchboard(engine.private_url, engine.token)
            return self._remote
