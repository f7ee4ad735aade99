"""The call store: SQLModel tables, their migrations, the batched journal, and queries."""
