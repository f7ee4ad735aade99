"""Tracing of a program as a whole: switched on once, and spans of its own beside those of calls.

What is switched on is OpenTelemetry's global tracer provider, so it may as well be the program's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, StatusCode, TracerProvider
from opentelemetry.util.types import Attributes

from getpatter.version import __version__

SERVICE: Final = "patter"
"""The service's name where nobody gives another."""

_CALL: Final[ContextVar[Mapping[str, str]]] = ContextVar("patter_call", default={})  # noqa: B039  (never written to)
"""Attributes that name the call in which code runs."""


def init_tracing(
    service_name: str = SERVICE,
    otlp_endpoint: str | None = None,
    resource_attributes: Mapping[str, str | int | float | bool] | None = None,
) -> bool:
    """Send the spans of this process, those of its calls among them, by OTLP over HTTP; call it once, at the start.

    `otlp_endpoint` is the collector's base URL, e.g. `http://127.0.0.1:4318`; without it OTEL_EXPORTER_OTLP_ENDPOINT
    and its like say.  OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES count above the arguments, since they are the
    operator's.

    Returns whether spans go anywhere: False, and nothing happens, unless PATTER_OTEL_ENABLED is set.  A tracer provider
    that the program has set before is left as it is.  Raises `ConfigurationError` where the extra is not installed, or
    a setting cannot be used.
    """
    # Both take long to import, and a program that is not traced needs neither.
    from getpatter import settings

    if not settings.load().otel_enabled:
        return False
    if application_provider() is None:
        from getpatter.observability.exporting import exporting_by_otlp

        trace.set_tracer_provider(exporting_by_otlp(service_name, resource_attributes or {}, otlp_endpoint))
    return True


def is_tracing_enabled() -> bool:
    """Whether `start_span` makes spans."""
    return application_provider() is not None


def application_provider() -> TracerProvider | None:
    """The tracer provider that the program has set for all of it, by `init_tracing` or by itself."""
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else provider


@contextmanager
def start_span(name: str, attributes: Attributes = None) -> Iterator[Span | None]:
    """A span around the body, within the one that is current; None, at no cost, where tracing is off.

    An exception that passes marks it as failed, by its type alone: its text may repeat what was said in a call.
    """
    provider = application_provider()
    if provider is None:
        yield None
        return
    tracer = provider.get_tracer("getpatter", __version__)
    with tracer.start_as_current_span(
        name, attributes={**_CALL.get(), **(attributes or {})}, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:  # is raised again
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise


@contextmanager
def patter_call_scope(call_id: str, side: str = "uut") -> Iterator[None]:
    """Have the spans that are started in the body, and in tasks made there, name this call.

    `side` says which of several programs in a call it is; "uut" is the one that is tested.
    """
    token = _CALL.set({"patter.call_id": call_id, "patter.side": side})
    try:
        yield
    finally:
        _CALL.reset(token)
