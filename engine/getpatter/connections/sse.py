"""Server-sent events (WHATWG HTML, section 9.2): bytes in, events out, no I/O."""

from __future__ import annotations

import codecs
from typing import Final, NamedTuple

MAX_EVENT: Final = 1 << 20
"""Bytes; a stream that holds more in one event is none of ours."""


class ServerSentEvent(NamedTuple):
    event: str
    """`message` where the server names no other."""
    data: str


class EventStreamParser:
    """Parses one stream.  An event is complete with the empty line after it; `id` and `retry` are passed over, since
    no provider resumes its answer."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False
        self._after_cr = False
        self._event = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes.  Raises `ValueError` for one above `MAX_EVENT`."""
        if b"\r" in chunk or self._after_cr:
            chunk = self._with_one_end_of_line(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines and not self._begun:
            lines[0], self._begun = lines[0].removeprefix(codecs.BOM_UTF8), True
        events = [event for line in lines if (event := self._line(line)) is not None]
        if self._size + len(self._rest) > MAX_EVENT:
            raise ValueError(f"an event of more than {MAX_EVENT} bytes")
        return events

    def _with_one_end_of_line(self, chunk: bytes) -> bytes:
        if chunk:
            # A line feed that begins a chunk may belong to the carriage return that ended the last one.
            chunk = chunk.removeprefix(b"\n") if self._after_cr else chunk
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _line(self, line: bytes) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        self._size += len(line)
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        event, data = self._event or "message", self._data
        self._event, self._data, self._size = "", [], 0
        # The specification has broken UTF-8 replaced.
        return ServerSentEvent(event, b"\n".join(data).decode("utf-8", "replace")) if data else None
