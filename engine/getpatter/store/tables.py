"""The tables of the store, one class a row.

A call's row, its turns, tool invocations and recordings are what its events say, in the shape that queries need;
`store.projection` makes them.  Times are Unix seconds, durations are seconds, latencies are milliseconds.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, MetaData, Text, TypeDecorator, UniqueConstraint, false, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

# Constraints have names of their own so that a migration can speak of them on every database.
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

_EMPTY = {"server_default": text("''")}

# SQLite gives automatic numbers to a primary key of the type INTEGER alone.
_EventId = BigInteger().with_variant(Integer, "sqlite")


class PlainText(TypeDecorator[str]):
    """Text of any length.  NUL becomes U+FFFD: PostgreSQL cannot store it, and one caller's odd byte must not make
    a batch fail."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\0", "\ufffd") if value else value


class Row(SQLModel, registry=registry(metadata=MetaData(naming_convention=_NAMES))):
    """Its metadata is apart from `SQLModel.metadata`, which belongs to the application that embeds us."""


def _text(default: str = "", **options: Any) -> Any:
    return Field(default=default, sa_type=PlainText, **options)


def _optional_text(**options: Any) -> Any:
    return Field(default=None, sa_type=PlainText, nullable=True, **options)


def _micros() -> Any:
    return Field(default=None, sa_type=BigInteger, nullable=True)


def _object() -> Any:
    return Field(default_factory=dict, sa_type=JSON, sa_column_kwargs={"server_default": text("'{}'")})


def _list() -> Any:
    return Field(default_factory=list, sa_type=JSON, sa_column_kwargs={"server_default": text("'[]'")})


def _call_id(**options: Any) -> Any:
    return Field(sa_type=PlainText, foreign_key="call.id", ondelete="CASCADE", **options)


class CallRow(Row, table=True):
    """One call, with everything that a list of calls shows."""

    __tablename__ = "call"
    __table_args__ = (Index(None, "carrier", "carrier_call_id"), Index(None, "carrier", "carrier_settled"))

    id: str = Field(primary_key=True, sa_type=PlainText)
    idempotency_key: str | None = _optional_text(unique=True)
    direction: str = _text()
    from_number: str = _text()
    to_number: str = _text()
    carrier: str = _text()
    carrier_call_id: str | None = _optional_text()
    agent: str = _text()
    goal: str = _text()
    language_model: str = _text()
    speech_to_text: str = _text()
    text_to_speech: str = _text()
    notes: list[str] = Field(default_factory=list, sa_type=JSON)

    status: str = _text("queued", index=True)
    """`queued`, `ringing`, `in_progress` or `ended`."""
    outcome: str | None = _optional_text()
    ended_by: str | None = _optional_text()
    reason: str = _text()
    error_code: str = _text()
    error: str = _text()
    transferred_to: str = _text(sa_column_kwargs=_EMPTY)
    """Who has the far end now, in E.164 form."""

    created_at: float = Field(index=True)
    answered_at: float | None = None
    ended_at: float | None = None
    updated_at: float
    """Time of the latest event."""
    duration_s: float = 0.0
    """Answer to end; 0 while the call lives and when nobody answered."""
    last_seq: int = 0
    turns: int = 0
    interruptions: int = 0
    false_interruptions: dict[str, int] = _object()
    """Voices over the agent that were none of an interruption, by kind (`events.DismissedAs`)."""
    tool_calls: int = 0
    drafts_used: int = 0
    """Answers begun before the caller had finished that became the answer."""
    drafts_wasted: int = 0
    """Those that were thrown away."""
    first_message_wasted_s: float = 0.0
    """Seconds of a first message that were spoken in advance for this call and never asked for."""
    recording: str = _text()
    """Path of our latest recording."""
    carrier_recording: str = _text(sa_column_kwargs=_EMPTY)
    """Path of the carrier's."""

    answers: int = 0
    """Turns of the agent with a response time: what the percentiles are taken over."""
    response_ms_p50: float | None = None
    response_ms_p95: float | None = None
    """Also in `latency`; apart so that calls can be sorted and selected by them."""
    latency: dict[str, dict[str, float]] = _object()
    """Percentiles by part: `{"response_ms": {"p50": 812.0, "p90": ..., "p95": ..., "p99": ...}, ...}`."""

    carrier_cost_micros: int | None = _micros()
    """Millionths of the currency; NULL where nothing is known."""
    carrier_cost_currency: str = _text(sa_column_kwargs=_EMPTY)
    """ISO 4217."""
    carrier_cost_source: str = _text(sa_column_kwargs=_EMPTY)
    """`estimate` or `carrier`."""
    carrier_settled: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """The carrier need not be asked for its price: it is known, or will not be."""

    # Millionths of a US dollar, of what is known; NULL where nothing is.
    cost_micros: int | None = _micros()
    """All of it together, with the carrier's price where that is in US dollars."""
    stt_cost_micros: int | None = _micros()
    llm_cost_micros: int | None = _micros()
    tts_cost_micros: int | None = _micros()
    engine_cost_micros: int | None = _micros()
    """Of a speech-to-speech engine, which is all three."""
    llm_saved_micros: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """What caches of language models and engines saved against the full price."""
    costs_unknown: list[str] = _list()
    """Kinds of providers (`events.UsedFor`) of which a part has no known price: the call cost more than the sum."""
    costs_estimated: list[str] = _list()
    """Those of which a part was not counted by the provider."""
    deleted_at: float | None = None
    """When somebody deleted the call; it is no longer shown."""


class TurnRow(Row, table=True):
    """One side said something; fields as in `events.Turn` and `events.TurnLatency`."""

    __tablename__ = "turn"

    call_id: str = _call_id(primary_key=True)
    index: int = Field(primary_key=True)
    role: str = _text()
    text: str = _text()
    started_at: float
    ended_at: float
    interrupted: bool = False
    unheard: str = _text()
    latency: dict[str, float] = _object()
    """The parts that were observed."""


class EventRow(Row, table=True):
    """One event as it was published, never changed.

    `id` grows in the order in which events become visible, over all calls, and is never given twice: a reader that
    has seen `id` resumes behind it.  `seq` is the event's number within its call, with gaps where events are not
    kept (`store.projection.kept`).
    """

    __tablename__ = "call_event"
    __table_args__ = (UniqueConstraint("call_id", "seq"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True, sa_type=_EventId)
    call_id: str = _call_id()
    seq: int
    at: float
    type: str = _text()
    data: str = _text()
    """The event as JSON (`events.decode` reads it)."""


class ToolRow(Row, table=True):
    """A tool that the agent used; fields as in `events.ToolCalled`."""

    __tablename__ = "tool_invocation"

    call_id: str = _call_id(primary_key=True)
    seq: int = Field(primary_key=True)
    """Number of the event that told of it: models may use one `tool_call_id` twice."""
    at: float
    tool_call_id: str = _text()
    name: str = _text()
    arguments: str = _text()
    result: str = _text()
    error: str = _text()
    duration_ms: float = 0.0


class RecordingRow(Row, table=True):
    """A recording on the engine's machine; fields as in `events.Recorded` and `events.CarrierRecorded`."""

    __tablename__ = "recording"

    call_id: str = _call_id(primary_key=True)
    seq: int = Field(primary_key=True)
    at: float
    path: str = _text()
    duration_s: float
    bytes: int
    carrier_id: str = _text(sa_column_kwargs=_EMPTY)
    """The carrier's id of its own recording; empty for one of ours."""


class IncidentRow(Row, table=True):
    """What the carrier listener refused; one row stands for `count` requests of one kind, peer and path."""

    __tablename__ = "security_event"

    id: str = Field(primary_key=True, sa_type=PlainText)
    at: float
    """Of the first."""
    kind: str = _text()
    """`store.incidents.Kind`."""
    carrier: str = _text()
    path: str = _text()
    """Without the query."""
    peer: str = _text()
    """Address without the port."""
    detail: str = _text()
    count: int = 1
    last_at: float = Field(index=True)
