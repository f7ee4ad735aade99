"""Reading the body of a request whose sender may be anybody."""

from __future__ import annotations

from typing import Final

from starlette.requests import ClientDisconnect, Request

from getpatter.clock import Clock, deadline
from getpatter.store.incidents import Kind

MAX_BODY_BYTES: Final = 65_536
"""Carriers' webhooks are a few kB."""
BODY_TIMEOUT_S: Final = 10.0
CONTENT_TYPES: Final = frozenset({"application/x-www-form-urlencoded", "application/json"})
"""What carriers send."""


class Unacceptable(Exception):
    """The request cannot be read: what to answer, and how to count it."""

    def __init__(self, status: int, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.kind: Kind = kind
        self.reason = reason


async def read_body(request: Request, clock: Clock) -> bytes:
    """The body as it came.  Raises `Unacceptable`, for its length before it is read where the length was told."""
    _check_headers(request)
    try:
        async with deadline(clock, clock.now() + BODY_TIMEOUT_S):
            return await _read(request)
    except TimeoutError:
        raise Unacceptable(408, "malformed", "The request's body took too long.") from None
    except ClientDisconnect:
        raise Unacceptable(400, "malformed", "The request broke off.") from None


def _check_headers(request: Request) -> None:
    headers = request.headers
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise Unacceptable(400, "malformed", "The request's Content-Length is no number.")
    if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
        raise _too_long()
    if request.method in ("GET", "HEAD"):
        return
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in CONTENT_TYPES or headers.get("content-encoding", "identity").lower() != "identity":
        raise Unacceptable(415, "malformed", f"The body must be plain {' or '.join(sorted(CONTENT_TYPES))}.")


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_long()
    return bytes(body)


def _too_long() -> Unacceptable:
    return Unacceptable(413, "too_large", f"The request's body is longer than {MAX_BODY_BYTES} bytes.")
