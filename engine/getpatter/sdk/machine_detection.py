"""Who or what took a call, for callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from getpatter.events import MachineDetected


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDetectionResult:
    """`raw` is the carrier's own word, or "heard: " and what showed it where the agent found out by listening."""

    call_id: str
    carrier: str
    classification: Literal["human", "machine", "fax", "unknown"]
    raw: str
    detected_at: float
    """Unix seconds."""

    @classmethod
    def of(cls, event: MachineDetected, carrier: str) -> MachineDetectionResult:
        return cls(
            call_id=event.call_id,
            carrier=carrier,
            classification=event.classification,
            raw=event.raw,
            detected_at=event.at,
        )
