"""Giving a call to somebody else."""

from __future__ import annotations

from typing import Protocol

from getpatter.calls.ending import Ending
from getpatter.carriers.base import Carrier
from getpatter.clock import Clock, deadline
from getpatter.errors import CarrierError
from getpatter.events import Event, Transferred

CARRIER_S = 10.0
"""Longest that a carrier may take to say whether it transfers the call; the caller waits in silence meanwhile."""
RING_S = 30.0
"""How long it rings at the other number."""


class TransferredCall(Protocol):
    """A live call, as far as it takes part in its own transfer."""

    @property
    def call_id(self) -> str: ...

    @property
    def carrier_call_id(self) -> str: ...

    def publish(self, event: Event) -> None: ...

    def end(self, ending: Ending) -> None: ...


class Transferring:
    """One call's.  The carrier may end the media stream before it has answered us, or not at all."""

    def __init__(self, call: TransferredCall, carrier: Carrier, clock: Clock, *, from_number: str) -> None:
        """`from_number` is ours, shown to whoever is called."""
        self._from_number = from_number
        self._call = call
        self._carrier = carrier
        self._clock = clock
        self._under_way = False
        self._held_back: Ending | None = None

    def stream_over(self, ending: Ending) -> None:
        """The media stream has ended: so does the call, unless it is to be seen first what became of a transfer."""
        if self._under_way:
            self._held_back = ending
        else:
            self._call.end(ending)

    async def transfer(self, number: str, summary: str) -> None:
        """Connect the far end to `number`, and end the call on our side.

        Raises `CarrierError` when the carrier does not do it: then the call goes on, if the far end is still there.
        """
        self._under_way = True
        try:
            async with deadline(self._clock, self._clock.now() + CARRIER_S):
                await self._carrier.transfer(
                    self._call.carrier_call_id, number, from_number=self._from_number, timeout_s=RING_S
                )
        except TimeoutError:
            self._go_on()
            raise CarrierError(f"The carrier did not transfer the call within {CARRIER_S:g} s.") from None
        except CarrierError:
            self._go_on()
            raise
        self._call.publish(
            Transferred(call_id=self._call.call_id, at=self._clock.wall(), number=number, summary=summary)
        )
        # To hang up now would take the line from those who talk on it.
        self._call.end(Ending("answered", "agent", f"transferred to {number}", carrier_knows=True))

    def _go_on(self) -> None:
        self._under_way = False
        if self._held_back is not None:
            self._call.end(self._held_back)
