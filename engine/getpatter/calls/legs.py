"""Which of us hears of which call of the carrier's."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from getpatter.carriers.base import CallRenamed, CarrierEvent

Hear = Callable[[CarrierEvent], None]

MAX_UNCLAIMED: Final = 1000
MAX_RELEASED: Final = 10_000


class Legs:
    """One carrier's.  A call of ours is one leg; with a colleague who is consulted it has a second one.

    Carriers report on a call before they have told us its name, so events of unknown legs are kept for a while; late
    ones, of legs that nobody wants to hear of any more, are not.
    """

    def __init__(self) -> None:
        self._hearers: dict[str, Hear] = {}
        self._names: dict[Hear, list[str]] = {}
        self._unclaimed: deque[CarrierEvent] = deque(maxlen=MAX_UNCLAIMED)
        self._released: OrderedDict[str, None] = OrderedDict()

    def claim(self, name: str, hear: Hear) -> None:
        """Let `hear` know of everything about this leg, at once of what came before.  Whoever claimed it loses it."""
        before = self._hearers.get(name)
        if before == hear:
            return
        if before is not None:
            self._names[before].remove(name)
        self._released.pop(name, None)
        self._hearers[name] = hear
        self._names.setdefault(hear, []).append(name)
        early = [event for event in self._unclaimed if event.carrier_call_id == name]
        for event in early:
            self._unclaimed.remove(event)
        for event in early:
            self.tell(event)

    def release(self, hear: Hear) -> None:
        """Whoever hears this way wants to hear nothing more, of whatever leg."""
        for name in self._names.pop(hear, ()):
            del self._hearers[name]
            self._released[name] = None
        while len(self._released) > MAX_RELEASED:
            self._released.popitem(last=False)

    def tell(self, event: CarrierEvent) -> None:
        hear = self._hearers.get(event.carrier_call_id)
        if hear is not None:
            hear(event)
            if isinstance(event, CallRenamed):
                self.claim(event.new_id, hear)
        elif event.carrier_call_id not in self._released:
            self._unclaimed.append(event)
