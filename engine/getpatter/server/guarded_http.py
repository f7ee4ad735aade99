"""uvicorn's HTTP protocol with limits on the head of a request, which uvicorn takes at any length and for ever."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from getpatter.clock import Clock, SystemClock, TimerHandle

MAX_HEAD_BYTES: Final = 16_384
"""Of the target and all headers.  Carriers send some 2 kB, proxies add a few hundred bytes."""
MAX_HEADERS: Final = 100
HEAD_TIMEOUT_S: Final = 10.0


class _TooLong(Exception):
    pass


class GuardedHttp(HttpToolsProtocol):
    """Answers 431 to too long a head, and drops a connection that does not bring one in `HEAD_TIMEOUT_S`.  Writes no
    access log."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        clock: Clock,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Its lines have whole URLs.  Not by uvicorn's setting, which silences an application that embeds us, too, and
        # does nothing for a handler that is attached later.
        self.access_log = False
        self._clock = clock
        self._head_bytes = 0
        self._unparsed_bytes = 0
        self._too_long = False
        self._timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # The parser tells of a header only when it has all of it.
        if self._timer is not None and not self.transport.is_closing():
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > MAX_HEAD_BYTES:
                self._too_long = True
                self.send_400_response("")

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self._expect_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._refuse()

    def on_headers_complete(self) -> None:
        self._head_came()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn answers when the parser, or a callback of it, gave up."""
        if not self._too_long:
            super().send_400_response(msg)
            return
        head = b"content-type: text/plain\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[431] + head)
        self.transport.close()

    def _count(self, length: int) -> None:
        self._head_bytes += length
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse()

    def _refuse(self) -> None:
        self._too_long = True
        raise _TooLong  # ends the parsing

    def _expect_head(self) -> None:
        if self._timer is None:
            self._timer = self._clock.call_at(self._clock.now() + HEAD_TIMEOUT_S, self._give_up)

    def _head_came(self) -> None:
        self._unparsed_bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()


def guarded_http(clock: Clock | None = None) -> type[asyncio.Protocol]:
    """The class to give `uvicorn.Config` as `http`."""
    used_clock = clock or SystemClock()

    class Guarded(GuardedHttp):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named, clock=used_clock)

    return Guarded
