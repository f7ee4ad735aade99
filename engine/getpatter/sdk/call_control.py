"""Acting on one call from a program's own code."""

from __future__ import annotations

from typing import Literal, Protocol

from getpatter.calls.views import CallView
from getpatter.events import CallEnded, CallPlaced, Event, Transferred


class Calls(Protocol):
    """Whoever owns the calls.  Every method raises errors of `getpatter.errors`."""

    async def transfer(
        self, call_id: str, number: str, *, mode: Literal["cold", "warm"] = "cold", summary: str = ""
    ) -> CallView: ...

    async def send_dtmf(self, call_id: str, digits: str) -> CallView: ...

    async def hang_up(self, call_id: str, *, reason: str = "") -> CallView: ...


class CallControl:
    """One call.  Numbers are E.164, empty where withheld."""

    def __init__(self, calls: Calls, call_id: str = "", caller: str = "", callee: str = "") -> None:
        self._calls = calls
        self.call_id = call_id
        self.caller = caller
        self.callee = callee
        self.telephony_provider = ""
        """The carrier's name."""
        self.is_transferred = False
        self.ended = False
        """It is over on our side, a transfer included."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.call_id}>"

    @property
    def is_hung_up(self) -> bool:
        return self.ended and not self.is_transferred

    async def transfer(self, number: str, *, mode: Literal["cold", "warm"] = "cold", summary: str = "") -> None:
        """Connect the other side to `number`.  A warm transfer tells `summary` to whoever answers first, and keeps the
        call where nobody does."""
        await self._calls.transfer(self.call_id, number, mode=mode, summary=summary)

    async def hangup(self) -> None:
        """End the call now; nothing happens when it is over."""
        await self._calls.hang_up(self.call_id, reason="the program hung up")

    async def send_dtmf(self, digits: str) -> None:
        """Press keys: `0` to `9`, `*`, `#`, `A` to `D`, and `w` for a pause of half a second."""
        await self._calls.send_dtmf(self.call_id, digits)

    def apply(self, event: Event) -> None:
        """Take an event of the call in."""
        match event:
            case CallPlaced():
                self.call_id, self.telephony_provider = event.call_id, event.carrier
                self.caller, self.callee = event.from_number, event.to_number
            case Transferred():
                self.is_transferred = True
            case CallEnded():
                self.ended = True
            case _:
                pass
