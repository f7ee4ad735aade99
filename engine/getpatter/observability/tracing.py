"""Calls as OpenTelemetry traces: a listener of the bus."""

from __future__ import annotations

import asyncio
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from getpatter.errors import ConfigurationError
from getpatter.events import Amendment, CallEnded, CallPlaced, CallPriced, Event
from getpatter.observability.bus import EventBus
from getpatter.observability.call_trace import CallTrace
from getpatter.observability.exporting import otlp_exporter, provider
from getpatter.observability.spans import SERVICE, application_provider
from getpatter.version import __version__

UNPRICED: Final = 1000
"""Calls that are over and whose price is awaited, at most."""


def start_tracing(bus: EventBus) -> Tracing:
    """Trace the calls of a bus: by the program's own tracer provider where it has set one, else by OTLP over HTTP to
    where OTEL_EXPORTER_OTLP_ENDPOINT and its like say.

    Raises `ConfigurationError` where the extra is not installed.
    """
    if (given := application_provider()) is not None:
        return Tracing(bus, given)
    exporter = otlp_exporter()
    tracing = Tracing(bus)
    tracing.attach_span_exporter(exporter)
    return tracing


class Tracing:
    """Traces the calls of a bus that begin from now on.

    Without a tracer provider it has one of its own, and leaves OpenTelemetry's global one to the application.  Spans
    are exported in batches by a thread of the SDK (`OTEL_BSP_*`), so no call waits for it.
    """

    def __init__(self, bus: EventBus, given: trace.TracerProvider | None = None) -> None:
        self._own = provider(SERVICE, {}, shutdown_on_exit=False) if given is None else None
        self._tracer = (given or self._own or trace.NoOpTracerProvider()).get_tracer("getpatter", __version__)
        self._calls: dict[str, CallTrace] = {}
        self._unpriced: dict[str, CallTrace] = {}
        """Calls that are over and of which the carrier has not named its price."""
        self._unsubscribe = bus.subscribe(self._hear)

    def attach_span_exporter(self, exporter: SpanExporter) -> None:
        """Send every span that ends from now on to this exporter, too.

        Raises `ConfigurationError` where spans go through the application's tracer provider.
        """
        if self._own is None:
            raise ConfigurationError(
                "Spans of calls go through the tracer provider of the program.",
                next_step="Add the exporter there, by add_span_processor.",
            )
        self._own.add_span_processor(BatchSpanProcessor(exporter))

    async def close(self) -> None:
        """Hear no more, and send what is left; calls that live are told up to now."""
        self._unsubscribe()
        for call in self._calls.values():
            call.abandon()
        self._calls.clear()
        self._unpriced.clear()
        if self._own is not None:
            await asyncio.to_thread(self._own.shutdown)

    def _hear(self, event: Event) -> None:
        if isinstance(event, CallPlaced):
            self._calls[event.call_id] = CallTrace(self._tracer, event)
        elif isinstance(event, Amendment):
            self._hear_later(event)
        elif (call := self._calls.get(event.call_id)) is not None:
            call.apply(event)
            if isinstance(event, CallEnded):
                self._unpriced[event.call_id] = self._calls.pop(event.call_id)
                if len(self._unpriced) > UNPRICED:
                    del self._unpriced[next(iter(self._unpriced))]

    def _hear_later(self, event: Amendment) -> None:
        call = self._unpriced.get(event.call_id)
        if call is None or not isinstance(event, CallPriced):
            return
        call.priced(event)
        if event.source == "carrier":
            del self._unpriced[event.call_id]
