"""Where spans go: tracer providers, and the exporter that speaks OTLP."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from getpatter.errors import ConfigurationError


def provider(
    service_name: str, attributes: Mapping[str, str | int | float | bool], *, shutdown_on_exit: bool
) -> TracerProvider:
    """A provider whose resource has these attributes, unless the environment says otherwise."""
    named = Resource.create().merge(Resource({**attributes, SERVICE_NAME: service_name}))
    return TracerProvider(resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=shutdown_on_exit)


def otlp_exporter(endpoint: str | None = None) -> SpanExporter:
    """`endpoint` is a base URL; None leaves it to OTEL_EXPORTER_OTLP_ENDPOINT and its like.

    Raises `ConfigurationError` where the extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise ConfigurationError(
            "PATTER_OTEL_ENABLED is set, and there is no OTLP exporter.",
            next_step="Install it: pip install 'patter-mcp[tracing]'.",
        ) from None
    return OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None)


def exporting_by_otlp(
    service_name: str, attributes: Mapping[str, str | int | float | bool], endpoint: str | None
) -> TracerProvider:
    """A provider that sends spans in batches, and what is left when the process exits.  Raises `ConfigurationError`."""
    exporter = otlp_exporter(endpoint)
    made = provider(service_name, attributes, shutdown_on_exit=True)
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made
