"""Requests to a provider whose answer is a stream: of sound, or of a model's words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from getpatter.clock import Clock, Patience, SystemClock, deadline
from getpatter.connections.faults import Faults
from getpatter.connections.messages import json_bytes
from getpatter.connections.tls import tls_context
from getpatter.errors import ProviderError

log = logging.getLogger(__name__)

CONNECT_S: Final = 5.0
KEEPALIVE_S: Final = 300.0
"""An idle connection is kept this long: a new one costs a TCP and a TLS handshake of the caller's time."""
MAX_ERROR_BODY: Final = 16_384
"""Bytes."""
LAST_BYTES_S: Final = 0.25
"""How long the end of a finished answer is waited for.  Only an answer read to its end leaves its connection usable."""
STALE_S: Final = 1.0
"""A server that had closed a connection when a request came says so within one round trip.  One that breaks off later
may have taken the request."""

_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEEPALIVE_S)
# The waits of an answer have deadlines of their own.
_TIMEOUT: Final = httpx.Timeout(None, connect=CONNECT_S).as_dict()
_HEADERS: Final[Mapping[str, str]] = {
    "Accept": "*/*",
    # A compressed stream comes late, and what little it holds may fill the memory.
    "Accept-Encoding": "identity",
    "User-Agent": f"python-httpx/{httpx.__version__}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """At most one of `json`, `content` and `files` is given; `files` and `data` make a multipart form."""

    url: str = field(repr=False)
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    data: Mapping[str, Any] | None = field(default=None, repr=False)
    files: Mapping[str, tuple[str, bytes, str]] | None = field(default=None, repr=False)
    """Of each field the file's name, content and media type."""
    repeatable: bool = False
    """It may be sent a second time where the connection broke before an answer began: servers close idle connections,
    sometimes just as they are used."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long is waited for an answer to begin, and for each later piece of it, in seconds."""

    first_s: float
    next_s: float


class HttpService:
    """One provider's connections, shared by all its calls.  Keys go to the address they are meant for alone: redirects
    are refused."""

    def __init__(self, faults: Faults, clock: Clock | None = None) -> None:
        self._faults = faults
        self._clock = clock or SystemClock()
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._making = asyncio.Lock()
        self._closed = False

    @asynccontextmanager
    async def stream(self, request: HttpRequest, waits: Waits, faults: Faults | None = None) -> AsyncIterator[Answer]:
        """The answer, whose body is still to come.  Leaving before its end closes the connection, which stops the
        provider's work.  Raises `ProviderError` unless it is a success, and for what goes wrong inside; `faults` words
        it where the service has several models."""
        faults = faults or self._faults
        connections = await self._connections()
        give_up = self._clock.now() + waits.first_s
        response: httpx.Response | None = None
        answer: Answer | None = None
        try:
            async with deadline(self._clock, give_up):
                response = await self._sent(connections, request)
                if not response.is_success:
                    body = await _beginning(response)
                    raise faults.refused(response.status_code, body, response.headers)
            if _is_packed(response):
                raise faults.nonsense("an answer that is compressed, which nobody asked for")
            answer = Answer(response, self._clock, waits, give_up)
            yield answer
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise faults.unreachable(error.__cause__ or error) from None
        except (TimeoutError, httpx.TimeoutException):
            raise faults.late() from None
        except httpx.HTTPError as error:
            raise faults.broke_off(type(error).__name__) from None
        except httpx.InvalidURL:  # its text repeats the address
            raise faults.unusable_address() from None
        finally:
            if answer is not None:
                answer.close()
            if response is not None:
                await response.aclose()

    async def warm(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Have an open connection to the server of `url` in the pool.  Never raises: what is wrong, the next request
        will tell.  The answer to a HEAD has no body, and its status does not matter."""
        try:
            connections = await self._connections()
            async with deadline(self._clock, self._clock.now() + CONNECT_S):
                request = HttpRequest(url=url, method="HEAD", headers=headers or {})
                built = _built(request)
                response = await connections.handle_async_request(built)
                _note(built, response)
                try:
                    await response.aread()
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ProviderError) as error:
            log.debug("%s: no connection was opened ahead: %s", self._faults.name, type(error).__name__)

    async def close(self) -> None:
        """Close the connections, those of answers under way among them; requests are refused from then on.  May be
        called twice."""
        async with self._making:
            self._closed = True
            if self._transport is not None:
                await self._transport.aclose()

    async def _connections(self) -> httpx.AsyncHTTPTransport:
        async with self._making:
            if self._closed:
                raise self._faults.failed("cannot be asked any more: its connections were closed", retryable=False)
            if self._transport is None:
                try:
                    tls = await tls_context()
                except OSError as error:
                    raise self._faults.unreachable(error) from None
                self._transport = httpx.AsyncHTTPTransport(verify=tls, limits=_LIMITS, trust_env=False)
            return self._transport

    async def _sent(self, connections: httpx.AsyncHTTPTransport, request: HttpRequest) -> httpx.Response:
        """The beginning of the answer.  A request that went into a connection which the server had closed is sent
        again, and a repeatable one once whatever its connection broke of."""
        again = request.repeatable
        while True:
            built, route = _built(request), _Route()
            built.extensions["trace"] = route.seen
            began = self._clock.now()
            try:
                response = await connections.handle_async_request(built)
            except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
                was_closed = not route.new and self._clock.now() - began < STALE_S
                if isinstance(error, httpx.ConnectError) or not (was_closed or again):
                    raise
                again = again and was_closed
            else:
                del built.extensions["trace"]  # it would be called for each piece of the answer
                _note(built, response)
                return response


class _Route:
    """Which way a request went."""

    def __init__(self) -> None:
        self.new = False
        """Over a connection that was made for it."""

    async def seen(self, event: str, info: Mapping[str, Any]) -> None:
        self.new = self.new or event.startswith("connection.connect")


class Answer:
    """The body of one response, read piece by piece."""

    def __init__(self, response: httpx.Response, clock: Clock, waits: Waits, give_up: float) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        # Without the cutting and counting of `aiter_raw`.
        self._pieces = aiter(response.stream)
        self._clock = clock
        self._waits = waits
        self._patience = Patience(clock)
        self._patience.until(give_up)
        self._complete = False
        self.headers: Mapping[str, str] = response.headers
        self.media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The body as it comes.  A piece that does not come in time raises what `HttpService.stream` translates."""
        while (piece := await self.piece()) is not None:
            yield piece
            self.alive()

    async def piece(self) -> bytes | None:
        """The next piece, None at the end.  For streams that hold more than the answer, such as comments that keep them
        open: what shows that the answer comes, the reader says with `alive`."""
        try:
            return await self._patience.wait(anext(self._pieces, None))
        except (TimeoutError, httpx.HTTPError) as error:
            if not self._complete:
                raise
            log.debug("a finished answer left its connection unusable: %s", type(error).__name__)
            return None

    def alive(self) -> None:
        """From now on the next piece has `Waits.next_s`."""
        if not self._complete:
            self._patience.until(self._clock.now() + self._waits.next_s)

    def complete(self) -> None:
        """The answer is there: what still follows is not waited for, and its failures are none."""
        if not self._complete:
            self._complete = True
            self._patience.until(self._clock.now() + LAST_BYTES_S)

    async def drain(self) -> None:
        """Read what follows the end, which is nothing, so that the connection can serve the next request."""
        self.complete()
        while await self.piece() is not None:
            pass

    def close(self) -> None:
        """Leave no timer behind."""
        self._patience.close()

    async def body(self, limit: int) -> bytes:
        """All of it; raises `ValueError` when it is longer than `limit` bytes."""
        whole = bytearray()
        async for piece in self.pieces():
            whole += piece
            if len(whole) > limit:
                raise ValueError(f"an answer of more than {limit} bytes")
        return bytes(whole)


def _built(request: HttpRequest) -> httpx.Request:
    headers, content = httpx.Headers(_HEADERS), request.content
    for name, value in request.headers.items():
        # One by one: of two names that differ in case alone, a dictionary would have both sent.
        headers[name] = value
    if request.json is not None:
        headers["Content-Type"] = "application/json"
        content = json_bytes(request.json)
    return httpx.Request(
        request.method,
        request.url,
        headers=headers,
        params=dict(request.params) or None,
        content=content,
        data=request.data,
        files=request.files,
        extensions={"timeout": _TIMEOUT},
    )


def _note(request: httpx.Request, response: httpx.Response) -> None:
    """Of the address, which may hold a key, the log has the server."""
    if log.isEnabledFor(logging.DEBUG):
        server = f"{request.url.scheme}://{request.url.netloc.decode()}"
        log.debug("%s %s/: HTTP %d", request.method, server, response.status_code)


def _is_packed(response: httpx.Response) -> bool:
    return response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")


async def _beginning(response: httpx.Response) -> bytes:
    if _is_packed(response):
        return b""
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) >= MAX_ERROR_BODY:
            break
    return body[:MAX_ERROR_BODY]
