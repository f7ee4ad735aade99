"""What a vendor's stand-in knows of a session with a speech-to-speech engine, whatever the vendor calls it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server knows of one session."""

    instructions: str
    tools: tuple[str, ...]
    results: tuple[tuple[str, str], ...] = ()
    """Id and output of each tool's result."""
    words: tuple[str, ...] = ()
    """All text of the conversation that the client gave."""
