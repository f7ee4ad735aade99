"""A WebSocket to a provider.

Sending is synchronous and receiving a callback, so a message costs neither a task nor a queue: a call sends its
recogniser some twenty a second.  Framing and handshake are the `websockets` library's, which does them without I/O.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from getpatter.clock import Clock, TimerHandle, deadline
from getpatter.connections.faults import Faults
from getpatter.connections.tls import tls_context
from getpatter.errors import ProviderError

OPEN_S: Final = 10.0
"""Longest until a connection is open."""
CLOSE_S: Final = 2.0
"""How long the provider may take to answer our close frame."""
PING_S: Final = 20.0
"""A line that carried nothing for this long is pinged, and counts as lost after as long again."""
MAX_MESSAGE: Final = 8 * 1024 * 1024
"""Bytes; some providers send a whole sentence's audio in one message."""
MAX_UNSENT: Final = 1024 * 1024
"""Bytes; a minute of a recogniser's audio.  A provider that lets more lie is not reading."""
ABNORMAL: Final = 1006
"""Stands for a connection that broke without a close frame (RFC 6455 section 7.4.1)."""

# The library logs the headers of the handshake, and with them the key, where debugging is on.
_log = logging.getLogger(f"{__name__}.protocol")
_log.setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect, and what to say in the handshake.  `url` may hold a key: it is never shown."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    subprotocols: tuple[str, ...] = field(default=(), repr=False)


class Sink(Protocol):
    """Told what comes, in order."""

    def on_message(self, message: str | bytes) -> None:
        """A whole text or binary message."""

    def on_closed(self, code: int, reason: str) -> None:
        """The provider closed, or the connection broke (1006).  Nothing follows; not called after our own `close`."""


class WebSocket:
    """One connection: `open`, or `reach` first and `open` later; `send`; `close`.

    `reach` does what costs no money at any provider: names, TCP, TLS.  The upgrade, with which some begin to count, is
    left to `open`.
    """

    def __init__(
        self, address: Address, sink: Sink, faults: Faults, clock: Clock, *, max_unsent: int = MAX_UNSENT
    ) -> None:
        self._address = address
        self._sink = sink
        self._faults = faults
        self._clock = clock
        self._max_unsent = max_unsent
        self._wire: _Wire | None = None
        self._closed = False

    @property
    def is_open(self) -> bool:
        return self._wire is not None and self._wire.is_open

    async def reach(self) -> None:
        """Raises `ProviderError` when nobody is there."""
        loop = asyncio.get_running_loop()
        try:
            uri = parse_uri(self._address.url)
            async with deadline(self._clock, self._clock.now() + OPEN_S):
                _, wire = await loop.create_connection(
                    lambda: _Wire(uri, self._address, self._sink, self._clock, self._max_unsent),
                    uri.host,
                    uri.port,
                    ssl=await tls_context() if uri.secure else None,
                )
        except TimeoutError:
            raise self._faults.late(OPEN_S) from None
        except OSError as error:
            raise self._faults.unreachable(error) from None
        except (InvalidURI, ValueError):  # their texts repeat the address
            raise self._faults.unusable_address() from None
        if self._closed:
            wire.abort()
            raise self._faults.closed()
        self._wire = wire

    async def open(self) -> None:
        """Raises `ProviderError` when it cannot be had, e.g. because the key is refused."""
        parked = self._wire is not None and not self._wire.is_lost
        if not parked:
            await self.reach()
        try:
            await self._upgrade(parked=parked)
        except ConnectionError as error:
            if self._closed:
                raise self._faults.closed() from None
            if not parked:
                raise self._faults.unreachable(error) from None
            # A server lets no connection stand idle for long; this one was made while the call rang.
            await self.reach()
            try:
                await self._upgrade()
            except ConnectionError as again:
                raise self._faults.unreachable(again) from None

    async def _upgrade(self, *, parked: bool = False) -> None:
        """Raises `ConnectionError` as well, where another connection may do better."""
        wire = self._wire
        assert wire is not None
        try:
            async with deadline(self._clock, self._clock.now() + OPEN_S):
                await wire.upgrade()
        except TimeoutError:
            wire.abort()
            raise self._faults.late(OPEN_S) from None
        except InvalidStatus as error:
            wire.abort()
            response = error.response
            if parked and response.status_code == HTTPStatus.REQUEST_TIMEOUT:  # said before our request came
                raise ConnectionAbortedError from None
            raise self._faults.refused(response.status_code, bytes(response.body or b""), response.headers) from None
        except InvalidHandshake as error:
            wire.abort()
            raise self._faults.nonsense(f"no WebSocket handshake ({type(error).__name__})") from None
        except BaseException:
            wire.abort()
            raise

    def send(self, message: str | bytes) -> None:
        """Text as a text message, bytes as a binary one; what is sent to a closed connection is dropped, since
        `Sink.on_closed` has told of it."""
        if self._wire is not None:
            self._wire.send(message)

    async def close(self, code: int = 1000) -> None:
        """Say so, and wait for the provider's answer, but no longer than `CLOSE_S`.  May be called twice.

        An `open` or `reach` under way fails, and so does every later one."""
        self._closed = True
        wire, self._wire = self._wire, None
        if wire is None:
            return
        wire.close(code)
        try:
            async with deadline(self._clock, self._clock.now() + CLOSE_S):
                await wire.over.wait()
        except TimeoutError:
            pass
        finally:
            wire.abort()

    def abort(self) -> None:
        """Drop the connection without a word; else as `close`."""
        self._closed = True
        if self._wire is not None:
            self._wire.abort()
            self._wire = None


class _Wire(asyncio.Protocol):
    """The transport's side."""

    def __init__(self, uri: WebSocketURI, address: Address, sink: Sink, clock: Clock, max_unsent: int) -> None:
        self._address = address
        self._sink = sink
        self._clock = clock
        self._max_unsent = max_unsent
        self._protocol = ClientProtocol(
            uri,
            subprotocols=[Subprotocol(name) for name in address.subprotocols] or None,
            max_size=MAX_MESSAGE,
            logger=_log,
        )
        self._fragments = bytearray()
        self._fragments_are_text = False
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._heard_at = 0.0
        self._pinged = False
        """A ping of ours was followed by nothing yet."""
        self._timer: TimerHandle | None = None
        self.over = asyncio.Event()
        self.is_open = False
        self._was_open = False

    @property
    def is_lost(self) -> bool:
        return self.over.is_set()

    async def upgrade(self) -> None:
        """Raises `InvalidHandshake` when it is refused, `ConnectionError` when the connection is gone."""
        if self.is_lost:
            raise ConnectionResetError
        request = self._protocol.connect()
        for name, value in self._address.headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        await self._answered

    def send(self, message: str | bytes) -> None:
        if not self.is_open:
            return
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self._flush()

    def close(self, code: int) -> None:
        self._closing = True
        if self.is_open:
            self.is_open = False
            self._protocol.send_close(code)
            self._flush()
        else:
            self._transport.abort()

    def abort(self) -> None:
        self._closing = True
        self.is_open = False
        self._transport.abort()

    def _drop(self) -> None:
        """The provider is not there any more: the sink is told once the connection is gone."""
        self.is_open = False
        self._transport.abort()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._max_unsent)
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._clock.now()
        self._pinged = False
        self._protocol.receive_data(data)
        self._take()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._take()

    def pause_writing(self) -> None:
        """More than `max_unsent` bytes wait to be sent."""
        self._drop()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
        self._fail_handshake(self._protocol.handshake_exc or ConnectionResetError())
        self.over.set()
        if self._was_open and not self._closing:
            close = self._protocol.close_rcvd
            self._sink.on_closed(close.code if close else ABNORMAL, close.reason if close else "")

    # -- what came

    def _take(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._shaken()
            elif isinstance(event, Frame):
                self._frame(event)
        if self._protocol.handshake_exc is not None:
            self._fail_handshake(self._protocol.handshake_exc)
        self._flush()
        if self.is_open and self._protocol.state is not State.OPEN:
            self.is_open = False
            # It has said goodbye; what it leaves unread would keep the connection, and the sink without a word.
            self._in(CLOSE_S, self._transport.abort)
        if self._protocol.close_expected():
            self._transport.close()

    def _shaken(self) -> None:
        if self._protocol.handshake_exc is None and not self._answered.done():
            self.is_open = self._was_open = True
            self._answered.set_result(None)
            self._in(PING_S, self._watch)

    def _fail_handshake(self, error: Exception) -> None:
        if not self._answered.done():
            self._answered.set_exception(error)
            self._answered.exception()  # looked at, should nobody wait for the handshake

    def _frame(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            if frame.fin:
                self._message(bytes(frame.data), text=frame.opcode is Opcode.TEXT)
                return
            self._fragments_are_text = frame.opcode is Opcode.TEXT
            self._fragments = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT:
            self._fragments += frame.data
            if frame.fin:
                fragments, self._fragments = self._fragments, bytearray()
                self._message(bytes(fragments), text=self._fragments_are_text)

    def _message(self, data: bytes, *, text: bool) -> None:
        if not self._closing:
            self._sink.on_message(data.decode("utf-8", "replace") if text else data)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()

    def _watch(self) -> None:
        """Ping a line that is silent; give it up when that is not answered."""
        if self._pinged:
            self._drop()
            return
        if self._clock.now() - self._heard_at >= PING_S and self.is_open:
            self._pinged = True
            self._protocol.send_ping(b"")
            self._flush()
        self._in(PING_S, self._watch)

    def _in(self, seconds: float, callback: Callable[[], None]) -> None:
        """The one timer of the connection: what was to come with it before does not."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(self._clock.now() + seconds, callback)


def closed(faults: Faults, code: int, reason: str) -> ProviderError:
    """What a provider's close code says, where it has no codes of its own (RFC 6455 section 7.4.1, and the habit of
    taking 4000 and the HTTP status)."""
    if 4100 <= code <= 4599 and code - 4000 in (401, 402, 403, 404, 429):
        return faults.refused(code - 4000, reason.encode())
    words = f"{reason} (close code {code})" if reason else f"close code {code}"
    return faults.failed(f"broke off: {words}", retryable=code not in (1002, 1003, 1007, 1008, 1009))
