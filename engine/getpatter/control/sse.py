"""Server-sent events (WHATWG HTML, section 9.2), the part we use: `id` and one line of `data`."""

from __future__ import annotations

HEARTBEAT = b": alive\n\n"
"""A comment: keeps the connection open and shows a dead one."""


def frame(data: bytes, seq: int) -> bytes:
    """One event.  `data` is JSON on one line."""
    return b"id: %d\ndata: %b\n\n" % (seq, data)


class FrameDecoder:
    """Bytes in, the data of complete events out.

    Only line feeds end a line here.  Splitting as text would also split at U+2028 and its like, which JSON may hold.
    """

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        *complete, self._pending = (self._pending + chunk).split(b"\n\n")
        return [data for block in complete if (data := _data(block))]


def _data(block: bytes) -> bytes:
    lines = (line.removeprefix(b"data:").lstrip(b" ") for line in block.split(b"\n") if line.startswith(b"data:"))
    return b"\n".join(lines)
