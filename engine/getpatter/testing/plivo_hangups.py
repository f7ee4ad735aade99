"""How Plivo says why a simulated call ended: https://www.plivo.com/docs/voice/troubleshooting/hangup-causes"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from getpatter.testing.happenings import Status
from getpatter.testing.line_call import LineCall


@dataclass(frozen=True, slots=True)
class Hangup:
    """`cause` is the telephone network's word, `code` and `name` are Plivo's."""

    status: str
    cause: str
    code: int
    name: str
    source: str


_OUTBOUND: Final[Mapping[Status, Hangup]] = {
    "busy": Hangup("busy", "USER_BUSY", 3010, "Busy Line", "Carrier"),
    "no-answer": Hangup("no-answer", "NO_ANSWER", 3000, "No Answer", "Carrier"),
    "canceled": Hangup("cancel", "ORIGINATOR_CANCEL", 1000, "Cancelled", "API Request"),
    "failed": Hangup("failed", "UNALLOCATED_NUMBER", 2000, "Invalid Destination Address", "Carrier"),
}
_INBOUND: Final[Mapping[Status, Hangup]] = {
    "busy": Hangup("completed", "USER_BUSY", 3010, "Busy Line", "Answer XML"),
    "canceled": Hangup("completed", "CALL_REJECTED", 3020, "Rejected", "Answer XML"),
    "failed": Hangup("completed", "NORMAL_CLEARING", 7011, "Error Reaching Answer URL", "Error"),
}
"""Plivo knows no other status of those: https://www.plivo.com/docs/voice/xml/request"""


def hangup_of(call: LineCall) -> Hangup:
    """Of a call that is over."""
    inbound = call.legs.direction == "inbound"
    if call.status != "completed":
        return (_INBOUND if inbound else _OUTBOUND)[call.status]
    match call.end.by:
        case "party":
            source = "Caller" if inbound else "Callee"
        case "carrier":
            source = "API Request"
        case _:
            return Hangup("completed", "NORMAL_CLEARING", 4010, "End Of XML Instructions", "Plivo")
    return Hangup("completed", "NORMAL_CLEARING", 4000, "Normal Hangup", source)
