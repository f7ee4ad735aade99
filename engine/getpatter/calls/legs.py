"""Which of us hears of which call of the carrier's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from getpatter.carriers.base import CallRenamed, CarrierEvent

Hear = Callable[[CarrierEvent], None]

MAX_UNCLAIMED = 100


class Legs:
    """One carrier's.  A call of ours is one leg; with a colleague who is consulted it has a second one.

    Carriers report on a call before they have told us its name, so events of unknown legs are kept for a while.
    """

    def __init__(self) -> None:
        self._hearers: dict[str, Hear] = {}
        self._unclaimed: deque[CarrierEvent] = deque(maxlen=MAX_UNCLAIMED)

    def claim(self, carrier_call_id: str, hear: Hear) -> None:
        """Let `hear` know of everything about this leg, at once of what came before."""
        self._hearers[carrier_call_id] = hear
        early = [event for event in self._unclaimed if event.carrier_call_id == carrier_call_id]
        for event in early:
            self._unclaimed.remove(event)
        for event in early:
            self.tell(event)

    def release(self, hear: Hear) -> None:
        """Whoever hears this way wants to hear nothing more, of whatever leg."""
        self._hearers = {leg: hearer for leg, hearer in self._hearers.items() if hearer != hear}

    def tell(self, event: CarrierEvent) -> None:
        hear = self._hearers.get(event.carrier_call_id)
        if hear is None:
            self._unclaimed.append(event)
            return
        hear(event)
        if isinstance(event, CallRenamed):
            self.claim(event.new_id, hear)
