"""Spans of a program's own, and tracing switched on for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from getpatter.errors import ConfigurationError
from getpatter.events import CallEnded, CallPlaced
from getpatter.observability import init_tracing, is_tracing_enabled, patter_call_scope, start_span
from getpatter.observability.bus import EventBus
from getpatter.observability.tracing import start_tracing

pytestmark = pytest.mark.usefixtures("no_tracer_provider")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """What the program itself has chosen for its spans."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


def spans(exporter: InMemorySpanExporter) -> Mapping[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_without_tracing_there_is_no_span() -> None:
    assert not is_tracing_enabled()
    with start_span("own.work", attributes={"own.size": 3}) as span:
        assert span is None


def test_a_span_has_what_it_was_given_and_lies_within_the_current_one(exporter: InMemorySpanExporter) -> None:
    with start_span("own.outer"), start_span("own.work", attributes={"own.size": 3}) as span:
        assert span is not None
        span.set_attribute("own.more", True)
    found = spans(exporter)
    assert dict(found["own.work"].attributes or {}) == {"own.size": 3, "own.more": True}
    assert found["own.work"].parent == found["own.outer"].context


def test_what_fails_is_marked_without_the_text_of_the_error(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="PIN 4711"), start_span("own.work"):
        raise ValueError("PIN 4711")
    span = spans(exporter)["own.work"]
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert "4711" not in span.to_json()


async def test_spans_in_the_scope_of_a_call_name_it_in_its_tasks_too(exporter: InMemorySpanExporter) -> None:
    async def work() -> None:
        with start_span("own.task"):
            pass

    with patter_call_scope("c1", side="driver"):
        await asyncio.create_task(work())
    with start_span("own.after"):
        pass
    found = spans(exporter)
    assert dict(found["own.task"].attributes or {}) == {"patter.call_id": "c1", "patter.side": "driver"}
    assert not found["own.after"].attributes


# -- switched on


def test_without_the_setting_nothing_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATTER_OTEL_ENABLED", raising=False)
    assert init_tracing() is False
    assert not is_tracing_enabled()


def test_it_is_switched_on_once_with_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_OTEL_ENABLED", "1")
    given = {"deployment.env": "prod"}
    assert init_tracing("my-agent", "http://127.0.0.1:9", given) is True
    assert is_tracing_enabled()
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    assert init_tracing("another") is True
    assert trace.get_tracer_provider() is provider
    named = provider.resource.attributes
    assert (named["service.name"], named["deployment.env"]) == ("my-agent", "prod")
    provider.shutdown()


def test_what_the_operator_says_counts_above_what_the_program_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_OTEL_ENABLED", "1")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "front desk")
    init_tracing("my-agent", "http://127.0.0.1:9")
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    assert provider.resource.attributes["service.name"] == "front desk"
    provider.shutdown()


async def test_calls_are_traced_by_the_programs_own_provider_where_it_has_one(exporter: InMemorySpanExporter) -> None:
    bus = EventBus()
    tracing = start_tracing(bus)
    with pytest.raises(ConfigurationError, match="tracer provider of the program"):
        tracing.attach_span_exporter(exporter)
    with start_span("own.campaign"):
        bus.publish(
            CallPlaced(call_id="c1", at=1.0, direction="outbound", from_number="+1", to_number="+2", carrier="sim")
        )
    bus.publish(CallEnded(call_id="c1", at=2.0, outcome="busy", ended_by="carrier", reason="busy", duration_s=0.0))
    await tracing.close()
    found = spans(exporter)
    assert found["getpatter.call"].parent == found["own.campaign"].context
    with start_span("own.later") as later:  # the provider lives on
        assert later is not None
        assert later.is_recording()
