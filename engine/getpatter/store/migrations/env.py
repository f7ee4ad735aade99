"""What Alembic runs: migrations on the connection that `store.schema` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from getpatter.store.tables import Row

# SQLite cannot alter a table in place; batch mode copies it.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
