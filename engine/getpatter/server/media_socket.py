"""Media sockets on the carrier listener: a WebSocket server in the place where uvicorn takes one.

uvicorn's HTTP parser answers webhooks and hands a connection over once it asks for an upgrade, so one port serves both.
Its own WebSocket classes run an ASGI task, a queue and two wake-ups a message; this one calls the sink straight from
the read, the transport's or that of a `Sweep` (docs/performance.md has what that is worth).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from getpatter.calls.media import MediaSink, MediaSocket
from getpatter.clock import Clock, SystemClock, TimerHandle
from getpatter.server.frames import (
    Close,
    FrameParser,
    Ping,
    Violation,
    close_frame,
    pong_frame,
    text_frame,
)
from getpatter.server.sweep import Sweep
from getpatter.server.upgrade import MediaUpgrade, Refusal, acceptance, read_upgrade, refusal

__all__ = ["Accept", "MediaConnection", "MediaUpgrade", "Refusal", "media_protocol"]

log = logging.getLogger(__name__)

Accept = Callable[[MediaUpgrade, MediaSocket], MediaSink | Refusal]
"""Decides at once on a carrier's request to open a media socket.  The socket is open when this has returned a sink."""

MAX_UNSENT_BYTES: Final = 262_144
"""Some 20 s of outgoing audio; a carrier that lets more lie is not reading, and its call hears nothing of us anyway."""

CLOSE_TIMEOUT_S: Final = 5.0
"""How long a peer may take to answer our close frame."""


class MediaConnection(asyncio.Protocol):
    """One carrier's connection, from the request head on: the head comes whole in the first `data_received`.

    Is the `MediaSocket` of its sink.  It stands in `connections` as long as it lives.  From the handshake on `sweep`
    reads for it, if there is one and it can.
    """

    def __init__(self, accept: Accept, connections: set[Any], clock: Clock, sweep: Sweep | None = None) -> None:
        self._accept = accept
        self._connections = connections
        self._clock = clock
        self._sweep = sweep
        self._parser = FrameParser()
        self._sink: MediaSink | None = None
        self._open = False
        self._peer = ""
        self._close_code = 1006
        self._close_timer: TimerHandle | None = None

    # -- the socket, as its sink sees it

    @property
    def peer(self) -> str:
        return self._peer

    def send(self, message: bytes) -> None:
        if self._open:
            self._transport.write(text_frame(message))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Say so to the peer and wait for its answer, but no longer than `CLOSE_TIMEOUT_S`."""
        if self._open:
            self._end(code)
            self._transport.write(close_frame(code, reason))
            self._give_up_later()

    # -- the connection, as its transport and uvicorn see it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
        self._peer = _address(self._transport.get_extra_info("peername"))
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        sink = self._sink
        if sink is None:
            self._shake_hands(data)
            return
        for received in self._parser.feed(data):
            if type(received) is bytes:
                # Looked at for each message, because the sink may close the socket on any.
                if self._open:
                    sink.on_message(received)
            elif isinstance(received, Ping):
                if self._open:
                    self._transport.write(pong_frame(received.payload))
            elif isinstance(received, Close):
                self._closed_by_peer(received.code)
            elif isinstance(received, Violation):
                self._fail(received)

    def pause_writing(self) -> None:
        """More than `MAX_UNSENT_BYTES` wait to be sent."""
        if self._open:
            log.warning("media socket %s: the peer does not read; dropped", self._peer)
            self._end(1008)
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open = False
        self._connections.discard(self)
        if self._sweep is not None:
            self._sweep.release(self._transport)
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._sink is not None:
            self._sink.on_closed(self._close_code)
            self._sink = None

    def shutdown(self) -> None:
        """The server stops: uvicorn calls this and waits until the connection is gone."""
        self.close(1001, "the server stops")

    # -- how it comes and goes

    def _shake_hands(self, head: bytes) -> None:
        if self._transport.is_closing():
            return
        upgrade = read_upgrade(head, self._peer)
        answer = upgrade if isinstance(upgrade, Refusal) else self._ask(upgrade)
        if isinstance(answer, Refusal):
            log.debug("media socket %s: refused with %d", self._peer, answer.status)
            self._transport.write(refusal(answer))
            self._transport.close()
            return
        assert isinstance(upgrade, MediaUpgrade)
        self._transport.write(acceptance(upgrade))
        self._sink = answer
        self._open = True
        if self._sweep is not None:
            self._sweep.take(self._transport, self.data_received)

    def _ask(self, upgrade: MediaUpgrade) -> MediaSink | Refusal:
        try:
            return self._accept(upgrade, self)
        except Exception:  # the edge of the server: one broken request must not leave its connection hanging
            log.exception("media socket %s: the request failed", self._peer)
            return Refusal(500, "The request failed.")

    def _closed_by_peer(self, code: int) -> None:
        if self._open:
            self._end(code)
            self._transport.write(close_frame(code))
        self._transport.close()

    def _fail(self, violation: Violation) -> None:
        """Tell the peer what it did, then wait for it to hang up.

        To close at once, with bytes of the peer's unread, would reset the connection and lose the close frame.
        """
        if not self._open:
            self._transport.close()
            return
        log.warning("media socket %s: closed with %d, %s", self._peer, violation.code, violation.reason)
        self._end(violation.code)
        self._transport.write(close_frame(violation.code, violation.reason))
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self._give_up_later()
        else:
            self._transport.close()

    def _end(self, code: int) -> None:
        self._open = False
        self._close_code = code

    def _give_up_later(self) -> None:
        self._close_timer = self._clock.call_at(self._clock.now() + CLOSE_TIMEOUT_S, self._transport.abort)


def _address(peername: object) -> str:
    match peername:
        case (str(host), int(port), *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case _:
            return str(peername or "unknown")


class _ServerState(Protocol):
    """What is used of `uvicorn.server.ServerState`."""

    connections: set[Any]


def media_protocol(accept: Accept, clock: Clock | None = None, sweep: Sweep | None = None) -> type[asyncio.Protocol]:
    """The class to give `uvicorn.Config` as `ws`; every WebSocket of that server is then a media socket.

    Without a `sweep` each is read as its bytes come, at the price of a wake-up a message.
    """
    used_clock = clock or SystemClock()

    class UvicornMediaConnection(MediaConnection):
        def __init__(self, config: object, server_state: _ServerState, app_state: object) -> None:
            super().__init__(accept, server_state.connections, used_clock, sweep)

    return UvicornMediaConnection
