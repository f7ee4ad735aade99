"""Whom a call was transferred to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("call", sa.Column("transferred_to", sa.Text(), nullable=False, server_default=sa.text("''")))
