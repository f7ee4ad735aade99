"""Calls as OpenTelemetry traces: a listener of the bus, and where its spans go."""

from __future__ import annotations

import asyncio

from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from getpatter.errors import ConfigurationError
from getpatter.events import CallEnded, CallPlaced, Event
from getpatter.observability.bus import EventBus
from getpatter.observability.call_trace import CallTrace
from getpatter.version import __version__

SERVICE = "patter"
"""The service's name, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES give another."""


class Tracing:
    """Traces the calls of a bus that begin from now on.

    It has a tracer provider of its own and leaves OpenTelemetry's global one to the application.  Spans are exported
    in batches by a thread of the SDK (`OTEL_BSP_*`), so no call waits for it.
    """

    def __init__(self, bus: EventBus) -> None:
        named = Resource.create().merge(Resource({SERVICE_NAME: SERVICE})).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=named, shutdown_on_exit=False)
        self._tracer = self._provider.get_tracer("getpatter", __version__)
        self._calls: dict[str, CallTrace] = {}
        self._unsubscribe = bus.subscribe(self._hear)

    def attach_span_exporter(self, exporter: SpanExporter) -> None:
        """Send every span that ends from now on to this exporter, too."""
        self._provider.add_span_processor(BatchSpanProcessor(exporter))

    def export_by_otlp(self) -> None:
        """Send spans by OTLP over HTTP to where OTEL_EXPORTER_OTLP_ENDPOINT and its like say.

        Raises `ConfigurationError` where the extra is not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ImportError:
            raise ConfigurationError(
                "PATTER_OTEL_ENABLED is set, and there is no OTLP exporter.",
                next_step="Install it: pip install 'patter-mcp[tracing]'.",
            ) from None
        self.attach_span_exporter(OTLPSpanExporter())

    async def close(self) -> None:
        """Hear no more, and send what is left; calls that live are told up to now."""
        self._unsubscribe()
        for call in self._calls.values():
            call.abandon()
        self._calls.clear()
        await asyncio.to_thread(self._provider.shutdown)

    def _hear(self, event: Event) -> None:
        if isinstance(event, CallPlaced):
            self._calls[event.call_id] = CallTrace(self._tracer, event)
        elif (call := self._calls.get(event.call_id)) is not None:
            call.apply(event)
            if isinstance(event, CallEnded):
                del self._calls[event.call_id]
