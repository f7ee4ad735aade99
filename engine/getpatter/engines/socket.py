"""A session over a WebSocket, whichever vendor's: the connection, readiness, events, and the end.

Vendors differ in what they say (`engines.dialect`); here is what they have in common.  A connection that is lost ends
the session: whoever holds it opens another one, with the history.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Final

from getpatter.clock import Clock, TimerHandle, deadline
from getpatter.connections.faults import Faults
from getpatter.connections.websocket import Address, WebSocket, closed
from getpatter.engines.base import EngineEvent
from getpatter.engines.dialect import Dialect, Ends, Happening, Ready
from getpatter.errors import ProviderError
from getpatter.llm.base import ToolSpec
from getpatter.metering import Used

READY_S: Final = 15.0
"""Longest that a vendor may take from the open socket to its readiness."""
USAGE_S: Final = 1.0
"""Longest that a session is kept open for what the vendor has still to tell of its use."""
MAX_UNSENT: Final = 4 * 1024 * 1024
"""Bytes; half a minute of 24 kHz audio, which a session that takes the place of a lost one is told at once, is 2 MB."""


class SocketSession:
    """One call's; an `EngineSession`.  `open` it first."""

    def __init__(
        self,
        address: Address,
        dialect: Callable[[Ends], Dialect],
        *,
        faults: Faults,
        clock: Clock,
        keep_alive_s: float | None = None,
    ) -> None:
        """`keep_alive_s` is how long a silence may be, in both directions, before the vendor takes us for gone."""
        self._dialect = dialect(Ends(self._send, self._take))
        self._faults = faults
        self._clock = clock
        self._keep_alive_s = keep_alive_s
        self._socket = WebSocket(address, self, faults, clock, max_unsent=MAX_UNSENT)
        self._out: asyncio.Queue[EngineEvent | ProviderError | None] = asyncio.Queue()
        self._begun = asyncio.Event()
        """The vendor is ready, or the session is lost."""
        self._told = asyncio.Event()
        """Something has come since it was cleared."""
        self._error: ProviderError | None = None
        self._timer: TimerHandle | None = None
        self._active_at = 0.0
        """When something last went either way."""
        self._opened_at: float | None = None
        self._closed_at: float | None = None

    # -- life

    async def reach(self) -> None:
        """Connect, as far as no vendor counts it; `open` goes on from there.  Raises `ProviderError`."""
        await self._socket.reach()

    async def open(self) -> None:
        """Returns when the engine has taken the configuration.  Raises `ProviderError`."""
        try:
            await self._socket.open()
            self._opened_at = self._active_at = self._clock.now()
            self._dialect.begin()
            async with deadline(self._clock, self._clock.now() + READY_S):
                await self._begun.wait()
            if self._error is not None:
                raise self._error
        except TimeoutError:
            await self.close()
            raise self._faults.late(READY_S) from None
        except BaseException:
            await self.close()
            raise
        if self._keep_alive_s is not None:
            self._watch_in(self._keep_alive_s)

    async def close(self) -> None:
        self._stop_watching()
        was_open = self._closed_at is None and self._opened_at is not None
        if self._closed_at is None:
            self._closed_at = self._clock.now()
        try:
            if was_open:
                self._dialect.end()
                await self._count_the_rest()
        finally:  # whoever waits may give up
            self._out.put_nowait(None)
            await self._socket.close()

    async def _count_the_rest(self) -> None:
        """Wait for what was used, as far as it is told once it is over."""
        with suppress(TimeoutError):
            async with deadline(self._clock, self._clock.now() + USAGE_S):
                while self._error is None and self._dialect.usage_due:
                    self._told.clear()
                    await self._told.wait()

    @property
    def used(self) -> tuple[Used, ...]:
        """What the vendor has counted so far, one entry a product."""
        if self._opened_at is None:
            return ()
        until = self._clock.now() if self._closed_at is None else self._closed_at
        return self._dialect.used(until - self._opened_at)

    async def events(self) -> AsyncIterator[EngineEvent]:
        while (item := await self._out.get()) is not None:
            if isinstance(item, ProviderError):
                raise item
            yield item

    # -- commands; see `EngineSession`

    def send(self, audio: bytes) -> None:
        self._dialect.send(audio)

    def commit(self) -> None:
        self._dialect.commit()

    def tell(self, text: str) -> None:
        self._dialect.tell(text)

    def respond(self) -> None:
        self._dialect.respond()

    def say(self, text: str) -> None:
        self._dialect.say(text)

    def cancel(self) -> None:
        self._dialect.cancel()

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        self._dialect.truncate(item_id, audio_end_ms)

    def tool_result(self, call_id: str, output: str) -> None:
        self._dialect.tool_result(call_id, output)

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        self._dialect.configure(instructions, tools)

    # -- what goes and comes; see `connections.websocket.Sink`

    def _send(self, message: str | bytes) -> None:
        self._active_at = self._clock.now()
        self._socket.send(message)

    def on_message(self, message: str | bytes) -> None:
        self._active_at = self._clock.now()
        try:
            self._dialect.receive(message)
        except ValueError as error:
            self._lost(self._faults.nonsense(str(error)))
        self._told.set()

    def on_closed(self, code: int, reason: str) -> None:
        self._lost(self._dialect.closed(code, reason) or closed(self._faults, code, reason))

    def _take(self, happening: Happening) -> None:
        if isinstance(happening, Ready):
            self._begun.set()
        elif isinstance(happening, ProviderError):
            self._lost(happening)
        elif self._error is None:
            self._out.put_nowait(happening)

    def _lost(self, error: ProviderError) -> None:
        if self._error is not None:
            return
        self._error = error
        if self._closed_at is None:
            self._closed_at = self._clock.now()
        self._stop_watching()
        self._socket.abort()
        self._begun.set()
        self._told.set()
        self._out.put_nowait(error)

    # -- time

    def _watch_in(self, seconds: float) -> None:
        if self._error is None:
            self._timer = self._clock.call_at(self._clock.now() + seconds, self._watch)

    def _watch(self) -> None:
        assert self._keep_alive_s is not None
        silent_s = self._clock.now() - self._active_at
        if silent_s >= self._keep_alive_s:
            self._dialect.keep_alive()
            self._active_at = self._clock.now()
            silent_s = 0.0
        self._watch_in(self._keep_alive_s - silent_s)

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
