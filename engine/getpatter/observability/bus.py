"""The one stream that every call event runs through."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from getpatter.events import Amendment, CallEnded, Event

log = logging.getLogger(__name__)

Listener = Callable[[Event], None]


class EventBus:
    """Numbers the events of each call and hands them to every listener, in order, on the event loop.

    Listeners are plain functions and must return at once; one that raises is logged and does not keep an event from
    the others.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._last_seq: dict[str, int] = {}

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every event from now on; the returned function ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, event: Event) -> Event:
        """Number the event, pass it on, and return it as numbered."""
        seq = self._last_seq.get(event.call_id, 0) + 1
        numbered = msgspec.structs.replace(event, seq=seq)
        if isinstance(numbered, CallEnded):
            self._last_seq.pop(event.call_id, None)
        else:
            self._last_seq[event.call_id] = seq
        self._tell(numbered)
        return numbered

    def relay(self, amendment: Amendment) -> None:
        """Pass on what the store has recorded of a call that is over, as the store has numbered it."""
        self._tell(amendment)

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # a reader's fault must not reach the call
                log.exception("a listener failed on %s of call %s", type(event).__name__, event.call_id)
