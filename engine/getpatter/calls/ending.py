"""How a call came to its end."""

from __future__ import annotations

from dataclasses import dataclass

from getpatter.errors import PatterError
from getpatter.events import EndedBy, Outcome


@dataclass(frozen=True, slots=True)
class Ending:
    """`outcome` says what became of the call, `error` what broke it, if something did."""

    outcome: Outcome
    ended_by: EndedBy
    reason: str
    error: PatterError | None = None
    carrier_knows: bool = False
    """The carrier said that the call is over, or leads it on without us: it must not be hung up."""
    stream_ended: bool = False
    """The carrier ended the media stream, so it will most likely end the call itself."""


def failed(error: PatterError, *, ended_by: EndedBy = "engine") -> Ending:
    """The call did not run its course because of `error`."""
    return Ending("failed", ended_by, error.message, error)
