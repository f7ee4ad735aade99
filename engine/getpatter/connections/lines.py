"""Answers that are a stream of lines, such as of JSON objects: pure, no I/O."""

from __future__ import annotations

from typing import Final

MAX_LINE: Final = 8 * 1024 * 1024
"""Bytes; a line may hold a whole sentence's sound in base64."""


class Lines:
    """One stream's, cut anywhere."""

    def __init__(self) -> None:
        self._begun = bytearray()
        """A line whose end has not come."""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete with `data`, without those that are blank.  Raises `ValueError` for one that is
        longer than `MAX_LINE`."""
        *ends, rest = data.split(b"\n")
        complete = []
        for end in ends:
            self._begun += end
            complete += self.rest()
        self._begun += rest
        if len(self._begun) > MAX_LINE:
            raise ValueError(f"a line of more than {MAX_LINE} bytes")
        return complete

    def rest(self) -> list[bytes]:
        """The last line, which may lack its end; none when nothing is left."""
        line = bytes(self._begun).strip()
        self._begun.clear()
        return [line] if line else []
