"""The one stream that every call event runs through."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from getpatter.clock import Clock
from getpatter.errors import ConfigurationError
from getpatter.events import Amendment, CallEnded, Event
from getpatter.observability.handlers import Handler, Handlers
from getpatter.observability.named_events import NAMES, PatterEventType, Readings

log = logging.getLogger(__name__)

Listener = Callable[[Event], None]


class EventBus:
    """Numbers the events of each call and hands them to every listener, in order, on the event loop.

    Listeners are plain functions and must return at once; one that raises is logged and does not keep an event from
    the others.  `subscribe` gives the events themselves, `on` what they are by name, as dicts.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._listeners: dict[object, Listener] = {}
        self._last_seq: dict[str, int] = {}
        self._handlers = Handlers(clock)
        self._readings: Readings | None = None
        """None until somebody wants to hear by name."""

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every event from now on; the returned function ends that, and may be called twice."""
        key = object()
        self._listeners[key] = listener

        def leave() -> None:
            self._listeners.pop(key, None)

        return leave

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

    # -- by name

    def on(self, name: PatterEventType, handler: Handler) -> Callable[[], None]:
        """Have `handler` told of this from now on; the returned function ends it.

        `docs/observability.md` says what it is told.  Raises `ConfigurationError` for a name that there is not.
        """
        _check(name)
        if self._readings is None:
            self._readings = Readings()
            self.subscribe(self._read)
        return self._handlers.add(name, handler)

    def emit(self, name: PatterEventType, payload: Mapping[str, Any]) -> None:
        """Tell those who are `on` this name, and nobody else: for tests of them.  Raises `ConfigurationError`."""
        _check(name)
        self._handlers.tell(name, payload)

    async def drained(self) -> None:
        """When no `async` handler is at work."""
        await self._handlers.drained()

    def _read(self, event: Event) -> None:
        assert self._readings is not None
        for name, payload in self._readings.apply(event):
            self._handlers.tell(name, payload)

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners.values()):
            try:
                listener(event)
            # A reader's fault must not reach the call; nothing is awaited, so no cancellation is that of the publisher.
            except (Exception, asyncio.CancelledError):
                log.exception("a listener failed on %s of call %s", type(event).__name__, event.call_id)


def _check(name: str) -> None:
    if name not in NAMES:
        raise ConfigurationError(f"The event bus knows no {name!r}.", next_step=f"It knows {', '.join(sorted(NAMES))}.")
