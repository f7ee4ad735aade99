"""What passes between recognisers of this machine and their worker processes, beside each one's own `Begin`."""

from __future__ import annotations

import msgspec

MAX_BACKLOG_S = 60.0
"""Undecoded audio of one recognition; a longer backlog loses its oldest part, since nobody waits that long."""


class Audio(msgspec.Struct, frozen=True, tag=True):
    """In the recogniser's format."""

    audio: bytes


class Finalize(msgspec.Struct, frozen=True, tag=True):
    """Answered by exactly one final `Heard`."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Answers `Begin`: the model is loaded."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Answers `Begin`: the model cannot be used."""

    text: str
    next_step: str = ""


class Heard(msgspec.Struct, frozen=True, tag=True):
    text: str
    final: bool
    confidence: float | None = None


Reply = Ready | Failed | Heard
