"""The opening handshake of a WebSocket (RFC 6455 section 4.2), server side, without I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True, slots=True)
class MediaUpgrade:
    """A carrier's request to open a media socket, as it was sent: `path` and `query` are not decoded.

    `headers` have lower-case names; values of a repeated one are joined by a comma.  `peer` is for the log.
    """

    path: str
    query: str
    headers: Mapping[str, str]
    peer: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there will be no media socket: an HTTP status, 400 or above, and a sentence for the other side."""

    status: int
    reason: str


def read_upgrade(head: bytes, peer: str) -> MediaUpgrade | Refusal:
    """The upgrade that a whole HTTP request head asks for, or what is wrong with it."""
    try:
        request_line, *lines = head.removesuffix(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, version = request_line.split(" ")
        headers = _headers(lines)
    except ValueError:
        return Refusal(400, "This is not an HTTP request.")
    if method != "GET" or version != "HTTP/1.1":
        return Refusal(400, "A WebSocket is opened by GET with HTTP/1.1.")
    if not target.startswith("/"):
        return Refusal(400, "The request's target must be a path.")
    return _fault(headers) or MediaUpgrade(*_split(target), headers, peer)


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ValueError("a header has no name")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _split(target: str) -> tuple[str, str]:
    path, _, query = target.partition("?")
    return path, query


def _fault(headers: Mapping[str, str]) -> Refusal | None:
    if "host" not in headers:
        return Refusal(400, "The Host header is missing.")
    if "websocket" not in _tokens(headers, "upgrade") or "upgrade" not in _tokens(headers, "connection"):
        return Refusal(426, "Only WebSockets are served here.")
    if headers.get("sec-websocket-version") != "13":
        return Refusal(426, "Only version 13 of the WebSocket protocol is spoken here.")
    try:
        key = base64.b64decode(headers.get("sec-websocket-key", ""), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 16:
        return Refusal(400, "The Sec-WebSocket-Key header is not sixteen bytes in base64.")
    return None


def _tokens(headers: Mapping[str, str], name: str) -> set[str]:
    return {token.strip().lower() for token in headers.get(name, "").split(",")}


def acceptance(upgrade: MediaUpgrade) -> bytes:
    """The response that opens the socket, without extensions or a subprotocol."""
    digest = hashlib.sha1(upgrade.headers["sec-websocket-key"].encode() + _GUID).digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: "
        + base64.b64encode(digest)
        + b"\r\n\r\n"
    )


def refusal(refused: Refusal) -> bytes:
    """The HTTP response that says so; the connection is to be closed after it."""
    body = refused.reason.encode()
    lines = [
        f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}",
        "content-type: text/plain; charset=utf-8",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    if refused.status == HTTPStatus.UPGRADE_REQUIRED:
        lines += ["upgrade: websocket", "sec-websocket-version: 13"]
    return "\r\n".join([*lines, "", ""]).encode() + body
