"""Where what becomes known of a call after its end is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from getpatter.events import Amendment
from getpatter.observability.bus import EventBus
from getpatter.store.calls import CallStore
from getpatter.store.journal import Journal
from getpatter.store.tables import CallRow


@dataclass(frozen=True, slots=True)
class Ledger:
    """The store, and those who are to hear what is added to it.  Every method raises `StoreError`."""

    calls: CallStore
    journal: Journal
    bus: EventBus

    async def call(self, call_id: str) -> CallRow | None:
        """The call with all that was published of it so far."""
        await self.journal.flush()
        return await self.calls.get(call_id)

    async def call_of(self, carrier: str, carrier_call_id: str) -> CallRow | None:
        """The same by the carrier's name for it."""
        await self.journal.flush()
        return await self.calls.by_carrier_call_id(carrier, carrier_call_id)

    async def amend(self, amendment: Amendment) -> bool:
        """Record it and tell the readers of the bus; False where it says nothing new (`CallStore.amend`)."""
        await self.journal.flush()
        numbered = await self.calls.amend(amendment)
        if numbered is None:
            return False
        self.bus.relay(numbered)
        return True
