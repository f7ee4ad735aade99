"""A switchboard whose incoming calls are answered again after a restart."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from getpatter.calls.inbound_memory import InboundMemory
from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import CallQuery, CallView, InboundView, PlaceCall, ServeInbound, TranscriptPage
from getpatter.clock import Clock, sleep
from getpatter.errors import CarrierError
from getpatter.events import TransferMode

log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 2.0
LONGEST_RETRY_S: Final = 300.0


class RememberingSwitchboard:
    """A `calls.switchboard.Switchboard` over another one that keeps what `serve_inbound` is asked for."""

    def __init__(self, switchboard: Switchboard, memory: InboundMemory, clock: Clock) -> None:
        self._switchboard = switchboard
        self._memory = memory
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._trying: asyncio.Task[None] | None = None
        self.inbound: InboundView | None = None
        """How calls are answered; None until that was settled."""

    # -- answering

    async def serve_inbound(self, request: ServeInbound) -> InboundView:
        async with self._one_at_a_time:
            view = await self._answer(request)
            self._memory.save(request)
            return view

    async def answer_as_told(self, request: ServeInbound) -> InboundView:
        """Answer so for now: whatever an engine is started with holds for that engine, and is not remembered."""
        async with self._one_at_a_time:
            return await self._answer(request)

    async def answer_as_before(self) -> None:
        """Answer as an earlier engine did.  Where the carrier cannot be told at once, it is tried again until it can,
        or until somebody asks for something else."""
        if await self._answered_as_before():
            return
        self._trying = asyncio.create_task(self._until_answered(), name="answering as before")

    async def close(self) -> None:
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait((self._trying,))

    async def _answer(self, request: ServeInbound) -> InboundView:
        self.inbound = await self._switchboard.serve_inbound(request)
        return self.inbound

    async def _until_answered(self) -> None:
        wait_s = FIRST_RETRY_S
        while True:
            await sleep(self._clock, wait_s)
            if await self._answered_as_before():
                return
            wait_s = min(wait_s * 2, LONGEST_RETRY_S)

    async def _answered_as_before(self) -> bool:
        """Whether nothing is left to be done."""
        async with self._one_at_a_time:
            if self.inbound is not None or (request := self._memory.load()) is None:
                return True
            try:
                await self._answer(request)
            except CarrierError as error:
                log.error("incoming calls are not answered as before yet: %s", error.message)
                return False
            log.info("incoming calls are answered as before the restart")
            return True

    # -- the rest as it is

    async def place(self, request: PlaceCall) -> CallView:
        return await self._switchboard.place(request)

    async def wait(self, call_id: str, *, timeout_s: float, after_seq: int | None = None) -> CallView:
        return await self._switchboard.wait(call_id, timeout_s=timeout_s, after_seq=after_seq)

    async def get(self, call_id: str) -> CallView:
        return await self._switchboard.get(call_id)

    async def list(self, query: CallQuery) -> list[CallView]:
        return await self._switchboard.list(query)

    async def transcript(self, call_id: str, *, after: int = -1, limit: int = 50) -> TranscriptPage:
        return await self._switchboard.transcript(call_id, after=after, limit=limit)

    async def hang_up(self, call_id: str, *, reason: str = "") -> CallView:
        return await self._switchboard.hang_up(call_id, reason=reason)

    async def transfer(self, call_id: str, number: str, *, mode: TransferMode = "cold", summary: str = "") -> CallView:
        return await self._switchboard.transfer(call_id, number, mode=mode, summary=summary)

    async def send_dtmf(self, call_id: str, digits: str) -> CallView:
        return await self._switchboard.send_dtmf(call_id, digits)
