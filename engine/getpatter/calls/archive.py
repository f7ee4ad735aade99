"""Calls that are over, as the store keeps them and the switchboard shows them."""

from __future__ import annotations

from collections.abc import Sequence

from getpatter.calls.record import call_view, transcript_page
from getpatter.calls.views import CallQuery, CallView, TranscriptPage
from getpatter.clock import Clock
from getpatter.errors import CallNotFound
from getpatter.store.calls import CallStore
from getpatter.store.tables import CallRow


class Archive:
    """Reads the store; raises `CallNotFound` for a call that it does not hold, and `StoreError`."""

    def __init__(self, calls: CallStore, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    async def get(self, call_id: str) -> CallView:
        return call_view(await self._row(call_id), self._clock.wall())

    async def by_key(self, key: str) -> CallView | None:
        """The call that was placed with this key."""
        row = await self._calls.by_key(key)
        return None if row is None else call_view(row, self._clock.wall())

    async def taken(self, carrier: str, limit: int) -> Sequence[str]:
        """The carrier's names of the latest calls that came in, newest first."""
        return await self._calls.taken(carrier, limit)

    async def list(self, query: CallQuery) -> list[CallView]:
        rows = await self._calls.list(
            status=query.status,
            direction=query.direction,
            number=query.number,
            outcome=query.outcome,
            before=query.before,
            limit=query.limit,
        )
        now = self._clock.wall()
        return [call_view(row, now) for row in rows]

    async def transcript(self, call_id: str, after: int, limit: int) -> TranscriptPage:
        row = await self._row(call_id)
        return transcript_page(row, await self._calls.turns(call_id, after=after, limit=limit + 1), limit)

    async def _row(self, call_id: str) -> CallRow:
        row = await self._calls.get(call_id)
        if row is None:
            raise CallNotFound(f"There is no call {call_id!r}.", next_step="Use list_calls to find it.")
        return row
