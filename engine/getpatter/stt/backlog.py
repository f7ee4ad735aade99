"""Requests to a recogniser in the order in which they came, with a limit to the audio among them."""

from __future__ import annotations

import logging
from collections import deque
from typing import Generic, TypeVar

from getpatter.audio.format import AudioFormat
from getpatter.stt.worker_wire import MAX_BACKLOG_S, Audio

log = logging.getLogger(__name__)

Other = TypeVar("Other")


class Backlog(Generic[Other]):
    """What waits for its turn: audio in slices of `slice_s`, and `Other` requests, of which none is ever dropped."""

    def __init__(self, audio: AudioFormat, slice_s: float) -> None:
        self._bytes_per_second = audio.bytes_per_second
        self._slice_bytes = int(slice_s * audio.bytes_per_second)
        self._max_bytes = int(MAX_BACKLOG_S * audio.bytes_per_second)
        self._waiting: deque[bytes | Other] = deque()
        self._bytes = 0

    def put(self, request: Audio | Other) -> None:
        if not isinstance(request, Audio):
            self._waiting.append(request)
            return
        for at in range(0, len(request.audio), self._slice_bytes):
            self._waiting.append(request.audio[at : at + self._slice_bytes])
        self._bytes += len(request.audio)
        if self._bytes > self._max_bytes:
            self._drop_oldest()

    def next(self) -> bytes | Other | None:
        if not self._waiting:
            return None
        item = self._waiting.popleft()
        if isinstance(item, bytes):
            self._bytes -= len(item)
        return item

    def _drop_oldest(self) -> None:
        excess = self._bytes - self._max_bytes
        log.warning("recognition is behind; %.1f s of audio are dropped", excess / self._bytes_per_second)
        kept: deque[bytes | Other] = deque()
        for item in self._waiting:
            if isinstance(item, bytes) and excess > 0:
                excess -= len(item)
                self._bytes -= len(item)
            else:
                kept.append(item)
        self._waiting = kept
