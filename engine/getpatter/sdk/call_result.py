"""What became of a call, for whoever waited for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from getpatter.events import Outcome
from getpatter.sdk.metrics import CallMetrics, CostBreakdown
from getpatter.sdk.transcript import Line

STATUSES: Mapping[Outcome, str] = {
    "answered": "completed",
    "voicemail": "completed",
    "no_answer": "no-answer",
    "busy": "busy",
    "failed": "failed",
    "canceled": "canceled",
    "interrupted": "failed",
}
"""Outcomes in the words of carriers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """A call that is over."""

    call_id: str
    outcome: Outcome
    status: str
    """The outcome in a carrier's words: `completed`, `no-answer`, `busy`, `failed` or `canceled`."""
    reason: str
    """Why it ended."""
    duration_seconds: float
    """Answer to end; 0 when nobody answered."""
    transcript: tuple[Line, ...]
    metrics: CallMetrics
    error: str = ""
    """What went wrong, where something did."""

    @property
    def cost(self) -> CostBreakdown:
        return self.metrics.cost
