"""What becomes known of a call after its end: the carrier's price, and the carrier's own recording."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for table, name in (
        ("call", "carrier_cost_currency"),
        ("call", "carrier_cost_source"),
        ("call", "carrier_recording"),
        ("recording", "carrier_id"),
    ):
        op.add_column(table, sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("call", sa.Column("carrier_settled", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_call_carrier_carrier_settled", "call", ["carrier", "carrier_settled"])
