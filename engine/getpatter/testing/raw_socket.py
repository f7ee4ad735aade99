"""The least WebSocket client that can carry a media stream: under load a full client costs more than the engine.

RFC 6455 without extensions and without fragmented messages, text only.
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from getpatter.errors import CarrierError

CONNECT_TIMEOUT_S = 10.0
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_FINAL, _MASKED = 0x80, 0x80
_NO_MASK = bytes(4)
"""A key of zeros leaves the payload as it is.  Keys are a guard against proxies, and there are none here."""


class RawSocket(asyncio.Protocol):
    """One connection.  `on_message` has each text message, `on_closed` comes once when the connection is gone."""

    def __init__(self, on_message: Callable[[bytes], None], on_closed: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_closed = on_closed
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._upgraded: asyncio.Future[None] | None = None
        self._closed = asyncio.Event()
        self._closed.set()

    async def connect(self, url: str) -> None:
        """Open `ws://host:port/path`; raises `CarrierError` when that fails."""
        loop = asyncio.get_running_loop()
        parts = urlsplit(url)
        self._upgraded = loop.create_future()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await loop.create_connection(lambda: self, parts.hostname or "", parts.port or 80)
                self._write(_request(parts.netloc, parts.path or "/"))
                await self._upgraded
        except OSError as failed:
            self.close()
            raise CarrierError(f"{url} could not be opened: {failed or 'no answer'}.") from failed

    def send(self, text: bytes) -> None:
        """Send one message; nothing happens once the connection is gone."""
        self._write_frame(_TEXT, text)

    def close(self) -> None:
        """Say goodbye and drop the connection."""
        if self._transport is not None:
            self._write_frame(_CLOSE, b"\x03\xe8")
            self._transport.close()

    async def wait_closed(self) -> None:
        """Wait until what was sent is out and the connection is gone; returns at once when there is none."""
        await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports have the methods, not the base class
        self._closed.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._upgraded is not None and not self._upgraded.done():
            self._upgraded.set_exception(ConnectionError("the server hung up"))
        self._closed.set()
        self._on_closed()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._upgraded is not None and not self._upgraded.done():
            self._finish_upgrade(self._upgraded)
        if self._upgraded is not None and self._upgraded.done():
            self._take_frames()

    def _finish_upgrade(self, upgraded: asyncio.Future[None]) -> None:
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        status = bytes(head.split(b"\r\n", 1)[0]).decode("latin-1")
        self._received = rest
        if " 101 " in f"{status} ":
            upgraded.set_result(None)
        else:
            upgraded.set_exception(ConnectionError(f"the server answered {status}"))

    def _take_frames(self) -> None:
        data, at = self._received, 0
        while (frame := _frame(data, at)) is not None:
            opcode, payload, at = frame
            if opcode == _TEXT:
                self._on_message(payload)
            elif opcode == _PING:
                self._write_frame(_PONG, payload)
            elif opcode == _CLOSE:
                self.close()
        del data[:at]

    def _write_frame(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            head = bytes((_FINAL | opcode, _MASKED | size))
        elif size < 1 << 16:
            head = bytes((_FINAL | opcode, _MASKED | 126)) + size.to_bytes(2)
        else:
            head = bytes((_FINAL | opcode, _MASKED | 127)) + size.to_bytes(8)
        self._write(b"%b%b%b" % (head, _NO_MASK, payload))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _request(host: str, path: str) -> bytes:
    key = b64encode(secrets.token_bytes(16)).decode()
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _frame(data: bytearray, at: int) -> tuple[int, bytes, int] | None:
    """Opcode and payload of the server's frame at `at`, and where the next begins; None until it is whole."""
    if len(data) < at + 2:
        return None
    size, begin = data[at + 1], at + 2
    if size >= 126:
        begin += 2 if size == 126 else 8
        if len(data) < begin:
            return None
        size = int.from_bytes(data[at + 2 : begin])
    end = begin + size
    return (data[at] & 0x0F, bytes(data[begin:end]), end) if len(data) >= end else None
