"""Server-sent events (WHATWG HTML, section 9.2): bytes in, events out, no I/O."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

MAX_EVENT_CHARS = 1 << 20
"""A stream that holds more in one event is none of ours."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    event: str
    """`message` where the server names no other."""
    data: str


class EventStreamParser:
    """Parses one stream.  An event is complete with the empty line after it; `id` and `retry` are passed over, since
    no provider resumes its answer."""

    def __init__(self) -> None:
        # The specification has broken UTF-8 replaced and one leading byte order mark ignored.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._after_cr = False
        self._event = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes.  Raises `ValueError` for one above `MAX_EVENT_CHARS`."""
        text = self._decoder.decode(chunk)
        if text:
            # A line feed that begins a chunk may belong to the carriage return that ended the last one.
            text = text.removeprefix("\n") if self._after_cr else text
            self._after_cr = text.endswith("\r")
        *lines, self._rest = (self._rest + text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        events = [event for line in lines if (event := self._line(line)) is not None]
        if self._size + len(self._rest) > MAX_EVENT_CHARS:
            raise ValueError(f"an event of more than {MAX_EVENT_CHARS} characters")
        return events

    def _line(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        self._size += len(line)
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        event, data = self._event or "message", self._data
        self._event, self._data, self._size = "", [], 0
        return ServerSentEvent(event, "\n".join(data)) if data else None
