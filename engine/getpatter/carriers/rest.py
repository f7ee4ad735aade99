"""Requests to a carrier's API: deadlines, repeats, bounded answers, and failures as `CarrierError`."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import msgspec

from getpatter.clock import Clock, SystemClock, deadline, sleep
from getpatter.connections.tls import tls_context
from getpatter.errors import CarrierError

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 5.0
TIMEOUT_S: Final = 9.0
"""Longest that a request may take with all its repeats: callers wait in silence for some of them."""
STALL_S: Final = 15.0
"""Longest pause between two pieces of a file."""
ATTEMPTS: Final = 4
FIRST_PAUSE_S: Final = 0.5
MAX_BODY_BYTES: Final = 1_048_576
"""Carriers answer with a few kB."""

PLACED: Final = "the call may have been placed all the same"
DONE: Final = "it may have been done all the same"

_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout)
"""Failures of a request that never left us."""
_FORM = {"content-type": "application/x-www-form-urlencoded"}

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """`path` is below the API's base URL.  At most one of `form` and `json` is given."""

    method: str
    path: str
    query: Fields = ()
    form: Fields | None = None
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    """To ask twice does no harm: it is asked again after a failed connection, a 429 and a 5xx."""
    doubt: str = ""
    """What is to be said where no answer came, such as `PLACED`; where it is empty, nothing of what may be repeated.
    For what we may repeat, since the carrier knows repeats of ours, but others would ask for anew."""
    timeout_s: float = TIMEOUT_S


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """What the carrier answered, whatever its status."""

    status: int
    body: bytes

    @property
    def refused(self) -> bool:
        return self.status >= 300

    def fields(self) -> dict[str, Any]:
        """The JSON object in the body; an empty one where there is none."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {}


class RestClient:
    """One carrier's API, for any number of requests at once, over shared connections.

    Credentials go to the base URL's server alone: redirects are not followed, but for files, and there without them.
    """

    def __init__(
        self,
        carrier: str,
        base_url: str,
        *,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`carrier` is its name as people write it.  `auth` is for HTTP's Basic scheme.  `jitter` gives 0 to 1."""
        self._carrier = carrier
        self._base_url = base_url.rstrip("/")
        self._auth = auth
        self._headers = dict(headers or {})
        self._clock = clock or SystemClock()
        self._jitter = jitter
        self._client: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()

    async def ask(self, request: ApiRequest) -> ApiResponse:
        """The carrier's answer.  Raises `CarrierError` when there is none, which says so where it may have been carried
        out all the same; a server's failure (5xx) is no answer to what is not to happen twice."""
        doubt = request.doubt or ("" if request.repeatable else DONE)
        asking = _Asking(request, self._clock.now() + request.timeout_s)
        try:
            async with deadline(self._clock, asking.until):
                answer = await self._asked(asking)
        except (*_UNSENT, httpx.InvalidURL) as error:
            what = f"could not be reached ({type(error).__name__})"
            raise self._failed(what, doubt if asking.may_be_done else "") from None
        except (TimeoutError, httpx.TimeoutException):
            raise self._failed("did not answer in time", doubt) from None
        except httpx.HTTPError as error:
            raise self._failed(f"broke off ({type(error).__name__})", doubt) from None
        except _TooLong:
            raise self._failed(f"answered with more than {MAX_BODY_BYTES} bytes", doubt) from None
        if doubt and answer.status >= 500:
            raise self._failed(f"failed (HTTP {answer.status})", doubt)
        return answer

    async def download(self, url: str, *, elsewhere: bool = False) -> AsyncIterator[bytes]:
        """A file on the server of this API, in pieces.  Raises `CarrierError`, also for a URL of another server.

        `elsewhere` is for carriers whose URLs hold a permission of their own: any HTTPS server, without credentials.
        """
        own = self._is_own(url)
        if not own and not (elsewhere and url.startswith("https://")):
            raise CarrierError(
                f"{self._carrier} keeps this file on another server than its API's; it was not fetched.",
                next_step="Fetch it there, with the credentials of that storage.",
            )
        try:
            auth = self._auth if own else None
            async with (await self._connections()).stream("GET", url, auth=auth, follow_redirects=True) as response:
                if response.status_code != httpx.codes.OK:
                    raise self._failed(f"answered with HTTP {response.status_code} instead of a file")
                async for piece in response.aiter_bytes():
                    yield piece
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failed(f"broke off while a file was fetched ({type(error).__name__})") from None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _asked(self, asking: _Asking) -> ApiResponse:
        request, until = asking.request, asking.until
        attempt = 0
        while True:
            attempt += 1
            last = not request.repeatable or attempt == ATTEMPTS
            pause = pause_s(attempt, self._jitter())
            try:
                answer, wanted_s = await self._once(request)
            except httpx.TransportError as error:
                asking.may_be_done |= not isinstance(error, _UNSENT)
                if last or self._clock.now() + pause >= until:
                    raise
            else:
                asking.may_be_done |= answer.status >= 500
                pause = max(pause, wanted_s)
                if last or not _passes(answer.status) or self._clock.now() + pause >= until:
                    return answer
            log.info("%s did not take a request; asking again in %.1f s", self._carrier, pause)
            await sleep(self._clock, pause)

    async def _once(self, request: ApiRequest) -> tuple[ApiResponse, float]:
        """The answer, and for how many seconds the carrier wants to be left alone."""
        async with (await self._connections()).stream(
            request.method,
            f"{self._base_url}{request.path}",
            params=list(request.query) or None,
            content=None if request.form is None else urlencode(request.form),
            json=request.json,
            headers=self._headers | dict(request.headers) | ({} if request.form is None else _FORM),
            auth=self._auth,
        ) as response:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise _TooLong
            return ApiResponse(response.status_code, bytes(body)), _seconds(response.headers.get("retry-after", ""))

    async def _connections(self) -> httpx.AsyncClient:
        async with self._making:
            if self._client is None:
                try:
                    self._client = _new_client(await tls_context())
                except OSError as error:
                    raise self._failed(f"cannot be reached: {error.strerror}") from None
            return self._client

    def _is_own(self, url: str) -> bool:
        try:
            named, own = httpx.URL(url), httpx.URL(self._base_url)
        except httpx.InvalidURL:
            return False
        return (named.scheme, named.netloc, named.userinfo) == (own.scheme, own.netloc, b"")

    def _failed(self, what: str, doubt: str = "") -> CarrierError:
        if doubt:
            return in_doubt(self._carrier, what, doubt)
        return CarrierError(f"{self._carrier} {what}.", next_step=f"Try again; see {self._carrier}'s status page.")


def in_doubt(carrier: str, what: str, doubt: str) -> CarrierError:
    """The error of a request that may have been carried out: `doubt` says so, `PLACED` or `DONE`."""
    return CarrierError(
        f"{carrier} {what}; {doubt}.",
        next_step=f"Look at the calls in {carrier}'s console first: whatever is asked for anew may happen twice.",
    )


@dataclass(slots=True)
class _Asking:
    """A request with all its attempts."""

    request: ApiRequest
    until: float
    may_be_done: bool = False
    """An attempt has come as far as the carrier, and nobody knows what became of it."""


class _TooLong(Exception):
    """An answer is."""


def _new_client(tls: ssl.SSLContext) -> httpx.AsyncClient:
    timeout = httpx.Timeout(STALL_S, connect=CONNECT_TIMEOUT_S)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    return httpx.AsyncClient(verify=tls, timeout=timeout, limits=limits, trust_env=False, max_redirects=3)


def pause_s(attempt: int, jitter: float) -> float:
    """How long to wait after the `attempt`th failure: a random part (`jitter`, 0 to 1) of 0.5, 1, 2, ... seconds, so
    that clients that failed together do not come back together."""
    return float(FIRST_PAUSE_S * 2 ** (attempt - 1) * jitter)


def _passes(status: int) -> bool:
    """The same request may be taken a little later."""
    return status == httpx.codes.TOO_MANY_REQUESTS or status >= 500


def _seconds(retry_after: str) -> float:
    """A Retry-After header; its other form, a date, is not used by carriers and counts as nothing."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6 else 0.0
