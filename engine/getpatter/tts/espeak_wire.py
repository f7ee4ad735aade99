"""What passes between `espeak` and its worker process."""

from __future__ import annotations

import msgspec


class Speak(msgspec.Struct, frozen=True):
    """The one message of a channel."""

    text: str
    voice: str
    rate_wpm: int


class Spoken(msgspec.Struct, frozen=True):
    """µ-law at 8 kHz, and the words that begin in it with the seconds since the sentence's first audio."""

    audio: bytes
    words: tuple[tuple[str, float], ...] = ()
