"""Giving a call to somebody else."""

from __future__ import annotations

from collections.abc import Callable

from getpatter.calls.ending import Ending
from getpatter.carriers.base import Carrier
from getpatter.clock import Clock, deadline
from getpatter.errors import CarrierError
from getpatter.events import Event, Transferred

CARRIER_S = 10.0
"""Longest that a carrier may take to say whether it transfers the call; the caller waits in silence meanwhile."""
RING_S = 30.0
"""How long it rings at the other number."""


class Transferring:
    """One call's.  The carrier may end the media stream before it has answered us, or not at all: `stream_over`."""

    def __init__(
        self,
        call_id: str,
        carrier: Carrier,
        clock: Clock,
        *,
        publish: Callable[[Event], None],
        end: Callable[[Ending], None],
    ) -> None:
        self._call_id = call_id
        self._carrier = carrier
        self._clock = clock
        self._publish = publish
        self._end = end
        self._under_way = False
        self._held_back: Ending | None = None

    def holds_back(self, ending: Ending) -> bool:
        """The stream is over with `ending`; tells whether it is to be seen first what became of the transfer."""
        if self._under_way:
            self._held_back = ending
        return self._under_way

    async def transfer(self, carrier_call_id: str, number: str, summary: str) -> None:
        """Connect the far end to `number`, and end the call on our side.

        Raises `CarrierError` when the carrier does not do it: then the call goes on, if the far end is still there.
        """
        self._under_way = True
        try:
            async with deadline(self._clock, self._clock.now() + CARRIER_S):
                await self._carrier.transfer(carrier_call_id, number, timeout_s=RING_S)
        except TimeoutError:
            self._go_on()
            raise CarrierError(f"The carrier did not transfer the call within {CARRIER_S:g} s.") from None
        except CarrierError:
            self._go_on()
            raise
        self._publish(Transferred(call_id=self._call_id, at=self._clock.wall(), number=number, summary=summary))
        # To hang up now would take the line from those who talk on it.
        self._end(Ending("answered", "agent", f"transferred to {number}", carrier_knows=True))

    def _go_on(self) -> None:
        self._under_way = False
        if self._held_back is not None:
            self._end(self._held_back)
