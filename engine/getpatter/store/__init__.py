"""The call store: SQLModel tables, their migrations, the batched journal, and queries."""

from __future__ import annotations

from getpatter.store.calls import CallStore
from getpatter.store.journal import Journal
from getpatter.store.projection import CallProjection
from getpatter.store.store import Store
from getpatter.store.tables import CallRow, EventRow, IncidentRow, RecordingRow, ToolRow, TurnRow

__all__ = [
    "CallProjection",
    "CallRow",
    "CallStore",
    "EventRow",
    "IncidentRow",
    "Journal",
    "RecordingRow",
    "Store",
    "ToolRow",
    "TurnRow",
]
