"""The seam between a media socket and the call that speaks through it."""

from __future__ import annotations

from typing import Protocol


class MediaSocket(Protocol):
    """An open WebSocket to a carrier.  Methods return at once and do nothing once it is closed."""

    def send(self, message: bytes) -> None:
        """Queue one text message."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a WebSocket close code (RFC 6455 section 7.4.1); `MediaSink.on_closed` follows."""

    @property
    def peer(self) -> str:
        """Address of the other end, for the log."""


class MediaSink(Protocol):
    """Whoever listens to a media socket.  Called on the event loop, for every message: return fast, never raise."""

    def on_message(self, message: bytes) -> None: ...

    def on_closed(self, code: int) -> None:
        """The socket is closed; `code` is 1006 when it was dropped.  The last call."""
