"""A response that an engine began by itself, from its announcement until somebody lets it be heard.  Pure."""

from __future__ import annotations

from getpatter.engines.base import AudioDelta, ResponseDone, ResponseEvent

MAX_S = 60.0
"""Seconds of sound that are kept: whoever is not let to speak for longer has said enough."""


class Coming:
    """One call's: `begin` with each announcement, `add` what comes, `claim` it."""

    def __init__(self, bytes_per_second: int) -> None:
        self._max_bytes = int(MAX_S * bytes_per_second)
        self._announced = False
        self._events: list[ResponseEvent] = []
        self._bytes = 0

    def begin(self) -> None:
        """One was announced; what there is of another is dropped."""
        self.drop()
        self._announced = True

    def add(self, event: ResponseEvent) -> None:
        """What belongs to no response that was announced is what still comes of one that was cancelled."""
        if not self._announced:
            return
        if isinstance(event, AudioDelta):
            self._bytes += len(event.audio)
            if self._bytes > self._max_bytes:
                return
        self._events.append(event)
        if isinstance(event, ResponseDone):
            self._announced = False

    def claim(self) -> list[ResponseEvent]:
        """What has come so far; the rest goes to whoever claims it."""
        events = self._events
        self.drop()
        return events

    def drop(self) -> None:
        self._announced = False
        self._events = []
        self._bytes = 0
