"""Every part of the response time, as JSON by part, and what else is counted in a call.

What was stored as `endpoint_ms` is what is `silence_ms` now: the caller's last speech to the VAD's word that it has
stopped.  Percentiles are taken anew, since there are more of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

PARTS = {
    "endpoint_ms": "silence_ms",
    "stt_ms": "stt_ms",
    "llm_ttft_ms": "llm_ttft_ms",
    "tts_ms": "tts_ms",
    "engine_ms": "engine_ms",
    "response_ms": "response_ms",
}
PERCENTILES = (50, 90, 95, 99)
CALLS_AT_ONCE = 500

Latency = dict[str, float]


def upgrade() -> None:
    _add("call", "false_interruptions", sa.JSON(), "'{}'")
    for name in ("tool_calls", "drafts_used", "drafts_wasted"):
        _add("call", name, sa.Integer(), "0")
    _add("call", "first_message_wasted_s", sa.Float(), "0")
    _add("call", "latency", sa.JSON(), "'{}'")
    _add("turn", "latency", sa.JSON(), "'{}'")
    _gather_parts()
    _count_tools()
    _measure_calls()
    # Not in batch mode, which copies the table and drops the old one: with that go, by their foreign keys, all turns.
    for part in PARTS:
        op.drop_column("turn", part)
        if part != "response_ms":
            op.drop_column("call", f"{part}_p50")
            op.drop_column("call", f"{part}_p95")


def _add(table: str, name: str, kind: sa.JSON | sa.Integer | sa.Float[float], default: str) -> None:
    op.add_column(table, sa.Column(name, kind, nullable=False, server_default=sa.text(default)))


def _gather_parts() -> None:
    pairs = ", ".join(f"'{new}', {old}" for old, new in PARTS.items())
    if op.get_bind().dialect.name == "postgresql":
        parts = f"json_strip_nulls(json_build_object({pairs}))"
    else:
        parts = f"json_patch('{{}}', json_object({pairs}))"  # a merge leaves nulls out (RFC 7396)
    op.execute(f"UPDATE turn SET latency = {parts} WHERE role = 'agent'")


def _count_tools() -> None:
    op.execute(
        "UPDATE call SET tool_calls = (SELECT count(*) FROM tool_invocation WHERE tool_invocation.call_id = call.id)"
    )


def _measure_calls() -> None:
    call = sa.table("call", sa.column("id"), sa.column("latency", sa.JSON()))
    write = call.update().where(call.c.id == sa.bindparam("call_id")).values(latency=sa.bindparam("measured"))
    answered = _answers()
    while some := list(islice(answered, CALLS_AT_ONCE)):
        values = [{"call_id": call_id, "measured": _percentiles(answers)} for call_id, answers in some]
        op.get_bind().execute(write, values)


def _answers() -> Iterator[tuple[str, list[Latency]]]:
    turn = sa.table(
        "turn", sa.column("call_id"), sa.column("latency", sa.JSON()), sa.column("response_ms"), sa.column("role")
    )
    query = sa.select(turn.c.call_id, turn.c.latency).where(turn.c.response_ms.is_not(None), turn.c.role == "agent")
    rows = op.get_bind().execute(query.order_by(turn.c.call_id))
    for call_id, own in groupby(rows, key=lambda row: row[0]):
        yield call_id, [row[1] for row in own]


def _percentiles(answers: list[Latency]) -> dict[str, Latency]:
    found = {}
    for part in PARTS.values():
        values = [ms for latency in answers if (ms := latency.get(part))]
        if values:
            found[part] = {f"p{q}": float(np.percentile(values, q)) for q in PERCENTILES}
    return found
