"""What anyone may do with calls.

MCP tools, the control API, the CLI and the SDK act on calls through this and nothing else.  `calls.exchange` is the
implementation in the process that owns the calls, `control.remote` the one that speaks to it from another.
"""

from __future__ import annotations

from typing import Protocol

from getpatter.calls.views import CallQuery, CallView, InboundView, PlaceCall, ServeInbound, TranscriptPage
from getpatter.events import TransferMode


class Switchboard(Protocol):
    """Every method raises errors of `getpatter.errors`: `CallNotFound` for an unknown call, `PolicyDenied`,
    `AtCapacity`, `CarrierError`, `CallEnded` where somebody must be on the line, and `EngineUnavailable` from another
    process."""

    async def place(self, request: PlaceCall) -> CallView:
        """Dial and return at once; the call goes on by itself."""

    async def wait(self, call_id: str, *, timeout_s: float, after_seq: int | None = None) -> CallView:
        """The call when it has ended, when it has an event later than `after_seq`, or after `timeout_s`."""

    async def get(self, call_id: str) -> CallView: ...

    async def list(self, query: CallQuery) -> list[CallView]: ...

    async def transcript(self, call_id: str, *, after: int = -1, limit: int = 50) -> TranscriptPage:
        """Turns with an index above `after`; works while the call lives."""

    async def hang_up(self, call_id: str, *, reason: str = "") -> CallView:
        """End the call now and return it ended; a call that is over already is returned as it is."""

    async def transfer(self, call_id: str, number: str, *, mode: TransferMode = "cold", summary: str = "") -> CallView:
        """Connect the far end to `number`, which must be one that we may call, and end the call on our side.

        `warm` has a colleague hear `summary` first, where the carrier can.  When it fails the call goes on.
        """

    async def send_dtmf(self, call_id: str, digits: str) -> CallView:
        """Press keys (`0-9*#A-D`, `w` for a pause of half a second) once what is being said was heard."""

    async def serve_inbound(self, request: ServeInbound) -> InboundView: ...
