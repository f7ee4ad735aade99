"""How long a WAV file of any encoding is: the standard library's reader knows linear PCM alone."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

_CHUNK = struct.Struct("<4sI")
_BYTE_RATE = struct.Struct("<8xI")
_MAX_CHUNKS = 100


def duration_s(file: BinaryIO) -> float:
    """Seconds of sound in a seekable file; raises `ValueError` for one that is no WAV.

    Written as a stream, a WAV tells a length of 0 or of all ones; then its sound lasts to the end of the file
    (Microsoft RIFF, chunks `fmt ` and `data`).
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise ValueError("it does not begin as a WAV does")
    bytes_per_second = 0
    for _ in range(_MAX_CHUNKS):
        chunk = file.read(_CHUNK.size)
        if len(chunk) < _CHUNK.size:
            break
        name, length = _CHUNK.unpack(chunk)
        began = file.tell()
        if name == b"data" and bytes_per_second:
            return min(length or size, size - began) / bytes_per_second
        if name == b"fmt " and length >= 16:
            bytes_per_second = _BYTE_RATE.unpack(file.read(_BYTE_RATE.size).ljust(_BYTE_RATE.size, b"\0"))[0]
        file.seek(began + length + length % 2)  # chunks begin at even places
    raise ValueError("it is a WAV without sound")
