"""What providers cost, and which parts of it are not known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_CALL = sa.table(
    "call",
    sa.column("language_model", sa.Text()),
    sa.column("text_to_speech", sa.Text()),
    sa.column("costs_unknown", sa.JSON()),
)


def upgrade() -> None:
    op.add_column("call", sa.Column("engine_cost_micros", sa.BigInteger(), nullable=True))
    op.add_column("call", sa.Column("llm_saved_micros", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    for name in ("costs_unknown", "costs_estimated"):
        op.add_column("call", sa.Column(name, sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    # Of calls before this nobody knows what their providers cost; an engine stands for all three.
    op.execute(_CALL.update().values(costs_unknown=["stt", "llm", "tts"]))
    one_engine = (_CALL.c.language_model != "") & (_CALL.c.language_model == _CALL.c.text_to_speech)
    op.execute(_CALL.update().where(one_engine).values(costs_unknown=["engine"]))
    op.execute("UPDATE call SET cost_micros = carrier_cost_micros WHERE carrier_cost_currency = 'USD'")
