from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from getpatter.events import (
    BargeIn,
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallPriced,
    CostSource,
    EndOfTurn,
    Event,
    FalseInterruption,
    FirstToken,
    Problem,
    ProviderUsed,
    SpeechStarted,
    ToolCalled,
    Turn,
    TurnLatency,
)
from getpatter.metering import UNKNOWN, Product, Used
from getpatter.observability.bus import EventBus
from getpatter.observability.tracing import UNPRICED, Tracing, start_tracing

SECRETS = ("PIN-4711", "+12025550100", "+12025550199")


def placed(call_id: str = "c1") -> Event:
    return CallPlaced(
        call_id=call_id,
        at=100.0,
        direction="outbound",
        from_number=SECRETS[2],
        to_number=SECRETS[1],
        carrier="sim",
        goal=SECRETS[0],
        language_model="a model",
        speech_to_text="an ear",
        text_to_speech="a voice",
    )


def ended(call_id: str = "c1", error_code: str = "") -> Event:
    return CallEnded(
        call_id=call_id,
        at=130.0,
        outcome="answered",
        ended_by="caller",
        reason=SECRETS[0],
        duration_s=27.0,
        error_code=error_code,
        error=SECRETS[0],
    )


def said(index: int, text: str, latency: TurnLatency = TurnLatency()) -> Event:  # noqa: B008  (frozen)
    role = "agent" if index % 2 else "caller"
    return Turn(
        call_id="c1",
        at=112.0,
        index=index,
        role=role,  # type: ignore[arg-type]  # one of two
        text=text,
        started_at=110.0,
        ended_at=112.0,
        latency=latency,
    )


LATENCY = TurnLatency(
    silence_ms=200.0,
    endpoint_ms=300.0,
    stt_ms=100.0,
    llm_ttft_ms=250.0,
    llm_total_ms=800.0,
    tts_ms=140.0,
    tts_total_ms=900.0,
    engine_ms=10.0,
    response_ms=1000.0,
)
STORY = (
    CallAnswered(call_id="c1", at=103.0),
    EndOfTurn(call_id="c1", at=109.5, trigger="turn_detector"),
    FirstToken(call_id="c1", at=109.7, model="m-1"),
    said(0, SECRETS[0]),
    said(1, f"It is {SECRETS[0]}.", LATENCY),
    ToolCalled(
        call_id="c1",
        at=115.0,
        tool_call_id="t1",
        name="pin_4711",
        arguments=f'"{SECRETS[0]}"',
        result=SECRETS[0],
        error=SECRETS[0],
        duration_ms=500.0,
    ),
    SpeechStarted(call_id="c1", at=120.0, role="caller"),
    BargeIn(call_id="c1", at=120.6, clear_ms=40.0),
    FalseInterruption(call_id="c1", at=121.0, kind="echo", text=SECRETS[0], paused_ms=200.0),
    Problem(call_id="c1", at=122.0, code="provider_error", message=SECRETS[0]),
)


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(bus: EventBus, exporter: InMemorySpanExporter) -> Tracing:
    """Closed by the test, which sends what is left."""
    made = Tracing(bus)
    made.attach_span_exporter(exporter)
    return made


async def spans_of(
    tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus, *events: Event
) -> Mapping[str, ReadableSpan]:
    for event in events:
        bus.publish(event)
    await tracing.close()
    return {span.name: span for span in exporter.get_finished_spans()}


def times(span: ReadableSpan) -> tuple[float, float]:
    assert span.start_time is not None
    assert span.end_time is not None
    return round(span.start_time / 1e9, 6), round(span.end_time / 1e9, 6)


async def test_a_call_holds_the_spans_of_what_happened_in_it(
    tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus
) -> None:
    spans = await spans_of(tracing, exporter, bus, placed(), *STORY, ended())
    assert {name: times(span) for name, span in spans.items()} == {
        "getpatter.call": (100.0, 130.0),
        "getpatter.stt": (109.2, 109.3),
        "getpatter.endpoint": (109.2, 109.5),
        "getpatter.llm": (109.5, 110.3),
        "getpatter.tts": (109.85, 110.75),
        "getpatter.tool": (114.5, 115.0),
        "getpatter.bargein": (120.0, 120.04),
    }
    call = spans["getpatter.call"]
    assert call.kind is SpanKind.CLIENT
    assert call.parent is None
    assert [event.name for event in call.events] == ["answered", "false_interruption", "problem"]
    children = [span.parent for name, span in spans.items() if name != "getpatter.call"]
    assert all(parent and parent.span_id == call.context.span_id for parent in children)


async def test_attributes_are_sizes_durations_and_providers(
    tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus
) -> None:
    spans = await spans_of(tracing, exporter, bus, placed(), *STORY, ended())
    assert dict(spans["getpatter.llm"].attributes or {}) == {
        "patter.call_id": "c1",
        "patter.turn": 1,
        "patter.llm.provider": "a model",
        "patter.llm.model": "m-1",
        "patter.latency.ttfb_ms": 250.0,
    }
    assert (spans["getpatter.tts"].attributes or {})["patter.chars"] == len("It is PIN-4711.")
    assert (spans["getpatter.endpoint"].attributes or {})["patter.endpoint.trigger"] == "turn_detector"
    assert (spans["getpatter.call"].attributes or {})["patter.outcome"] == "answered"


async def test_no_span_holds_a_word_or_a_number(
    tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus
) -> None:
    spans = await spans_of(tracing, exporter, bus, placed(), *STORY, ended(error_code="provider_error"))
    told = " ".join(span.to_json() for span in spans.values())
    assert "provider_error" in told
    assert not [secret for secret in (*SECRETS, "pin_4711") if secret in told]


async def test_what_failed_is_marked(tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus) -> None:
    spans = await spans_of(tracing, exporter, bus, placed(), *STORY, ended(error_code="provider_error"))
    failed = {name for name, span in spans.items() if span.status.status_code is StatusCode.ERROR}
    assert failed == {"getpatter.call", "getpatter.tool"}


async def test_calls_side_by_side_have_traces_of_their_own(
    tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus
) -> None:
    for event in (placed("a"), placed("b"), ended("b"), ended("a")):
        bus.publish(event)
    await tracing.close()
    spans = exporter.get_finished_spans()
    assert [(span.attributes or {})["patter.call_id"] for span in spans] == ["b", "a"]
    assert len({span.context.trace_id for span in spans}) == 2


async def test_a_call_that_lives_when_tracing_ends_is_told_of(
    tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus
) -> None:
    assert "getpatter.call" in await spans_of(tracing, exporter, bus, placed())


async def test_a_call_that_began_before_is_left_alone(
    tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus
) -> None:
    assert not await spans_of(tracing, exporter, bus, *STORY, ended())


async def test_the_applications_own_tracer_provider_is_left_alone(tracing: Tracing) -> None:
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    await tracing.close()


async def test_the_service_has_a_name_that_the_environment_can_change(
    bus: EventBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    for environment in ("", "front desk"):
        monkeypatch.setenv("OTEL_SERVICE_NAME", environment)
        tracing, exporter = Tracing(bus), InMemorySpanExporter()
        tracing.attach_span_exporter(exporter)
        spans = await spans_of(tracing, exporter, bus, placed(), ended())
        names.append(spans["getpatter.call"].resource.attributes["service.name"])
    assert names == ["patter", "front desk"]


# -- costs

HEARING = ProviderUsed(
    call_id="c1", at=129.0, kind="stt", used=Used(Product("deepgram"), seconds=12.0), cost_micros=900
)
SPEAKING = ProviderUsed(call_id="c1", at=129.0, kind="tts", used=Used(UNKNOWN, characters=50))


def priced(source: CostSource, at: float, call_id: str = "c1") -> CallPriced:
    return CallPriced(call_id=call_id, at=at, amount_micros=14_000, currency="USD", source=source)


async def test_a_call_tells_what_it_cost_as_far_as_that_is_known(
    tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus
) -> None:
    spans = await spans_of(tracing, exporter, bus, placed(), HEARING, SPEAKING, ended())
    told = {key: value for key, value in (spans["getpatter.call"].attributes or {}).items() if ".cost." in key}
    assert told == {
        "patter.cost.telephony_minutes": 0.45,
        "patter.cost.stt_seconds": 12.0,
        "patter.cost.stt_usd": 0.0009,
        "patter.cost.tts_chars": 50,
        "patter.cost.unknown": ("tts",),
    }


async def test_a_call_that_lives_when_tracing_ends_tells_what_it_cost_so_far(
    tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus
) -> None:
    spans = await spans_of(tracing, exporter, bus, placed(), HEARING)
    assert (spans["getpatter.call"].attributes or {})["patter.cost.stt_usd"] == 0.0009


async def test_the_carriers_price_comes_after_the_call_and_belongs_to_its_trace(
    tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus
) -> None:
    bus.publish(placed())
    bus.publish(ended())
    for price in (priced("estimate", 131.0), priced("carrier", 200.0), priced("carrier", 300.0)):
        bus.relay(price)
    await tracing.close()
    call, *billed = exporter.get_finished_spans()
    assert [(span.name, times(span)) for span in billed] == [
        ("patter.billable", (131.0, 131.0)),
        ("patter.billable", (200.0, 200.0)),
    ]
    assert all(span.parent and span.parent.span_id == call.context.span_id for span in billed)
    assert dict(billed[1].attributes or {}) == {
        "patter.call_id": "c1",
        "patter.cost.telephony": 0.014,
        "patter.cost.currency": "USD",
        "patter.cost.source": "carrier",
    }


async def test_a_price_is_not_awaited_for_ever(tracing: Tracing, exporter: InMemorySpanExporter, bus: EventBus) -> None:
    for n in range(UNPRICED + 1):
        bus.publish(placed(f"c{n}"))
        bus.publish(ended(f"c{n}"))
    bus.relay(priced("carrier", 200.0, "c0"))
    bus.relay(priced("carrier", 200.0, "c1"))
    await tracing.close()
    billed = [span for span in exporter.get_finished_spans() if span.name == "patter.billable"]
    assert [(span.attributes or {})["patter.call_id"] for span in billed] == ["c1"]


class Collector(HTTPServer):
    """Keeps what is posted to it, as an OTLP collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Edge)
        self.received: list[tuple[str, bytes]] = []


class _Edge(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("no_tracer_provider")
async def test_spans_go_by_otlp_to_where_the_environment_says(
    bus: EventBus, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    tracing = start_tracing(bus)
    for event in (placed(), ended()):
        bus.publish(event)
    async with asyncio.timeout(30):
        await tracing.close()
    ((path, body),) = collector.received
    assert path == "/v1/traces"
    request = ExportTraceServiceRequest.FromString(body)
    names = [s.name for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
    assert names == ["getpatter.call"]
