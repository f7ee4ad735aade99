"""Calls, their turns, events, tool invocations and recordings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

PERCENTILES = [
    f"{part}_{percentile}"
    for part in ("response_ms", "endpoint_ms", "stt_ms", "llm_ttft_ms", "tts_ms", "engine_ms")
    for percentile in ("p50", "p95")
]
COSTS = ["cost_micros", "carrier_cost_micros", "stt_cost_micros", "llm_cost_micros", "tts_cost_micros"]


def upgrade() -> None:
    _call()
    _turn()
    _call_event()
    _tool_invocation()
    _recording()


def _text(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def _number(*names: str, nullable: bool = False) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Float(), nullable=nullable) for name in names]


def _integer(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _of_call() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE")


def _call() -> None:
    op.create_table(
        "call",
        *_text("id"),
        *_text("idempotency_key", nullable=True),
        *_text("direction", "from_number", "to_number", "carrier"),
        *_text("carrier_call_id", nullable=True),
        *_text("agent", "goal", "language_model", "speech_to_text", "text_to_speech"),
        sa.Column("notes", sa.JSON(), nullable=False),
        *_text("status"),
        *_text("outcome", "ended_by", nullable=True),
        *_text("reason", "error_code", "error"),
        *_number("created_at"),
        *_number("answered_at", "ended_at", nullable=True),
        *_number("updated_at", "duration_s"),
        *_integer("last_seq", "turns", "interruptions"),
        *_text("recording"),
        *_integer("answers"),
        *_number(*PERCENTILES, nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in COSTS),
        *_number("deleted_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("idempotency_key"),
    )
    op.create_index("ix_call_carrier_carrier_call_id", "call", ["carrier", "carrier_call_id"])
    op.create_index("ix_call_created_at", "call", ["created_at"])
    op.create_index("ix_call_status", "call", ["status"])


def _turn() -> None:
    op.create_table(
        "turn",
        *_text("call_id"),
        *_integer("index"),
        *_text("role", "text"),
        *_number("started_at", "ended_at"),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        *_text("unheard"),
        *_number("endpoint_ms", "stt_ms", "llm_ttft_ms", "tts_ms", "engine_ms", "response_ms", nullable=True),
        sa.PrimaryKeyConstraint("call_id", "index"),
        _of_call(),
    )


def _call_event() -> None:
    op.create_table(
        "call_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *_text("call_id"),
        *_integer("seq"),
        *_number("at"),
        *_text("type", "data"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id", "seq"),
        _of_call(),
        sqlite_autoincrement=True,
    )


def _tool_invocation() -> None:
    op.create_table(
        "tool_invocation",
        *_text("call_id"),
        *_integer("seq"),
        *_number("at"),
        *_text("tool_call_id", "name", "arguments", "result", "error"),
        *_number("duration_ms"),
        sa.PrimaryKeyConstraint("call_id", "seq"),
        _of_call(),
    )


def _recording() -> None:
    op.create_table(
        "recording",
        *_text("call_id"),
        *_integer("seq"),
        *_number("at"),
        *_text("path"),
        *_number("duration_s"),
        *_integer("bytes"),
        sa.PrimaryKeyConstraint("call_id", "seq"),
        _of_call(),
    )
