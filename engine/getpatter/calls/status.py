"""What a carrier's status callbacks amount to: they come late, twice, in any order or not at all."""

from __future__ import annotations

from typing import Final, Literal

from getpatter.calls.ending import Ending
from getpatter.carriers.base import CarrierStatus, StatusChanged
from getpatter.errors import CarrierError
from getpatter.events import Direction, Outcome

_UNANSWERED: Final[dict[CarrierStatus, tuple[Outcome, str]]] = {
    "busy": ("busy", "the line is busy"),
    "no_answer": ("no_answer", "nobody answered"),
    "canceled": ("canceled", "the call was cancelled before it was answered"),
    "failed": ("failed", "the carrier could not place the call"),
}
TERMINAL: Final = frozenset({*_UNANSWERED, "completed"})


class CarrierStatusTrack:
    """One call's.  Terminal statuses stick, whatever their number; others count only in the carrier's order.

    "Answered" is no status here: a call is answered when its media stream is open, which is also true of carriers
    that say so late or never.
    """

    def __init__(self, direction: Direction) -> None:
        self._direction = direction
        self._latest = -1
        self._rang = False

    def change(self, change: StatusChanged, *, answered: bool) -> Ending | Literal["ringing"] | None:
        """What follows: the call is over, it rings (told once), or nothing."""
        if change.status in TERMINAL:
            return ending_of(change.status, change.cause, answered=answered, direction=self._direction)
        if change.sequence is not None:
            if change.sequence <= self._latest:
                return None
            self._latest = change.sequence
        if change.status == "ringing" and not answered and not self._rang:
            self._rang = True
            return "ringing"
        return None


def ending_of(status: CarrierStatus, cause: str, *, answered: bool, direction: Direction) -> Ending:
    """The end that a terminal status tells of; `answered` is whether our media stream was open."""
    if answered:
        return Ending("answered", "caller", "the other side hung up", carrier_knows=True)
    if status in _UNANSWERED:
        outcome, words = _UNANSWERED[status]
        said = f" ({cause})" if cause else ""
        error = CarrierError(f"{words.capitalize()}{said}.") if outcome == "failed" else None
        return Ending(outcome, "carrier", words + said, error, carrier_knows=True)
    if direction == "inbound":
        return Ending("canceled", "caller", "the caller hung up before we had answered", carrier_knows=True)
    error = CarrierError(
        "The call was answered and ended before the carrier had opened its media stream"
        + (f": {cause}." if cause else "."),
        next_step="If nobody hung up at once, the carrier cannot reach us: `getpatter doctor` finds out why.",
    )
    return Ending("failed", "carrier", error.message, error, carrier_knows=True)
