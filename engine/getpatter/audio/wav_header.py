"""Sound that comes in pieces behind the header of a WAV file, or without one: pure, no I/O."""

from __future__ import annotations

import struct
from typing import Final

MAX_HEADER: Final = 4096
"""Bytes; those of telephone sound have some fifty."""

_CHUNK: Final = struct.Struct("<4sI")
_RIFF: Final = b"RIFF"
_WAVE: Final = b"WAVE"
_WAVE_AT: Final = 8
_FIRST_CHUNK_AT: Final = 12


class HeaderlessWav:
    """One stream.  What does not begin as a WAV does passes as it is; what follows the sound is taken for sound, since
    a stream's header tells no length (Microsoft RIFF, chunk `data`)."""

    def __init__(self) -> None:
        self._head: bytearray | None = bytearray()
        """What came before the sound; None from the sound on."""

    def feed(self, data: bytes) -> bytes:
        """The sound in this piece.  Raises `ValueError` for a header without end."""
        if self._head is None:
            return data
        self._head += data
        begin = sound_at(self._head)
        if begin is None:
            if len(self._head) > MAX_HEADER:
                raise ValueError(f"a WAV header of more than {MAX_HEADER} bytes")
            return b""
        sound = bytes(self._head[begin:])
        self._head = None
        return sound


def sound_at(head: bytes | bytearray) -> int | None:
    """Where the sound begins; 0 without a header, and None while that cannot be told."""
    for mark, at in ((_RIFF, 0), (_WAVE, _WAVE_AT)):
        there = head[at : at + len(mark)]
        if there != mark[: len(there)]:
            return 0
        if len(there) < len(mark):
            return None
    at = _FIRST_CHUNK_AT
    while at + _CHUNK.size <= len(head):
        name, size = _CHUNK.unpack_from(head, at)
        at += _CHUNK.size
        if name == b"data":
            return at
        at += size + size % 2  # chunks begin at even places
    return None
