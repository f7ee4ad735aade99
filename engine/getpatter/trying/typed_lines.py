"""Lines that somebody types, or that come from a pipe or a file, without a thread that nothing could stop."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections import deque
from types import TracebackType
from typing import Self, TextIO

_CHUNK = 65536


class TypedLines:
    """Enter it; then `next` gives line after line, and None at the end."""

    def __init__(self, source: TextIO) -> None:
        self._fd = source.fileno()
        self.interactive = source.isatty()
        """A person sits there."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._lines: deque[str | None] = deque()
        self._arrived = asyncio.Event()
        self._reading = self._ended = False

    async def __aenter__(self) -> Self:
        try:
            asyncio.get_running_loop().add_reader(self._fd, self._read)
            self._reading = True
        except PermissionError:  # a regular file is always ready, and cannot be waited for
            while not self._ended:
                self._read()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def waiting(self) -> bool:
        """There is a line, or the end."""
        return bool(self._lines)

    async def next(self) -> str | None:
        """The next line without its end; None when there is none any more."""
        while not self._lines:
            self._arrived.clear()
            await self._arrived.wait()
        return self._lines[0] if self._lines[0] is None else self._lines.popleft()

    def end(self) -> None:
        """No more lines are wanted; what waits is dropped."""
        self._stop()
        self._lines.clear()
        self._put(None)

    def _read(self) -> None:
        data = os.read(self._fd, _CHUNK)
        *lines, self._rest = (self._rest + self._decoder.decode(data, final=not data)).split("\n")
        for line in lines:
            self._put(line.rstrip("\r"))
        if not data:
            if self._rest:
                self._put(self._rest)
            self._put(None)
            self._ended = True
            self._stop()

    def _put(self, line: str | None) -> None:
        self._lines.append(line)
        self._arrived.set()

    def _stop(self) -> None:
        if self._reading:
            self._reading = False
            asyncio.get_running_loop().remove_reader(self._fd)
