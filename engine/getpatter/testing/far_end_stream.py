"""The far end on a real WebSocket, in real time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.frames import CloseCode

from getpatter.audio.format import FRAME_S
from getpatter.errors import CarrierError
from getpatter.testing.far_end import FarEnd

OPEN_TIMEOUT_S = 15.0
"""As long as a webhook is waited for: both sides may share a busy machine."""
CLOSE_TIMEOUT_S = 2.0
SEND_TIMEOUT_S = 15.0
"""An engine that takes nothing for so long has lost the call."""


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """`lost` is a socket that went away without a close; `code` is the engine's close code where it gave one."""

    by: Literal["party", "carrier", "engine", "lost"]
    code: int | None = None
    reason: str = ""


class FarEndStream:
    """Carries a `FarEnd` over its stream.  Uses the `websockets` library: somebody else's client shows what
    our server really speaks."""

    def __init__(
        self,
        far_end: FarEnd,
        url: str,
        *,
        hang_up: asyncio.Event,
        headers: Mapping[str, str] | None = None,
        on_open: Callable[[], None] = lambda: None,
    ) -> None:
        """`hang_up` ends the stream as a carrier does: `stop`, then close.  `on_open` is called once it is accepted."""
        self._far_end = far_end
        self._url = url
        self._carrier_hangs_up = hang_up
        self._headers = dict(headers or {})
        self._on_open = on_open
        self._connection: ClientConnection | None = None

    async def run(self) -> StreamEnd:
        """Talk until either side hangs up; the far end is not closed.

        Raises `CarrierError` when the engine does not accept the stream.
        """
        connection = self._connection = await self._connect()
        self._on_open()
        tasks = [
            asyncio.create_task(self._read(connection), name="far end reads"),
            asyncio.create_task(self._speak(connection), name="far end speaks"),
            asyncio.create_task(self._wait_for_hang_up(), name="far end is hung up"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            end = next(task for task in tasks if task in done).result()
            if end.by in ("party", "carrier"):
                await self._say_goodbye(connection)
            return end
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await connection.close()

    def cut(self) -> None:
        """Drop the connection without a word, as a network that fails does."""
        if self._connection is not None:
            self._connection.transport.abort()

    async def _connect(self) -> ClientConnection:
        try:
            return await connect(
                self._url,
                additional_headers=self._headers,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                ping_interval=None,
                compression=None,
                proxy=None,
            )
        except (OSError, InvalidHandshake, InvalidURI) as refused:
            raise CarrierError(
                f"The media stream could not be opened: {refused or type(refused).__name__}.",
                carrier_code="stream_refused",
            ) from refused

    async def _read(self, connection: ClientConnection) -> StreamEnd:
        try:
            async for message in connection:
                for reply in self._far_end.receive(message):
                    await self._send(connection, reply)
        except ConnectionClosed:
            pass
        return _closed(connection)

    async def _speak(self, connection: ClientConnection) -> StreamEnd:
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            for message in self._far_end.open():
                await self._send(connection, message)
            while not self._far_end.hung_up:
                for message in self._far_end.tick(due):
                    await self._send(connection, message)
                # A late frame does not move those after it: a telephone line keeps its rate.
                due += FRAME_S
                await asyncio.sleep(due - loop.time())
        except ConnectionClosed:
            return _closed(connection)
        except TimeoutError:
            return StreamEnd("lost", reason=f"the engine took nothing for {SEND_TIMEOUT_S} s")
        return StreamEnd("party")

    async def _wait_for_hang_up(self) -> StreamEnd:
        await self._carrier_hangs_up.wait()
        return StreamEnd("carrier")

    async def _say_goodbye(self, connection: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            for message in self._far_end.stop():
                await self._send(connection, message)

    @staticmethod
    async def _send(connection: ClientConnection, message: bytes) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await connection.send(message, text=True)


def _closed(connection: ClientConnection) -> StreamEnd:
    code = connection.close_code
    if code is None or code == CloseCode.ABNORMAL_CLOSURE:
        return StreamEnd("lost", code, "the socket was dropped")
    return StreamEnd("engine", code, connection.close_reason or "")
