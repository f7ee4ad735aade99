"""Whether somebody can have said what a Whisper model understood: pure, no I/O.

Whisper was trained on subtitles.  For noise, breath and music it gives sentences that nobody said.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

NO_SPEECH = 0.6
UNSURE = -1.0
"""Together: nobody spoke.  Both are the defaults of OpenAI's `whisper/transcribe.py`."""
REPETITIVE = 2.4
"""Text that compresses better goes round in circles; from the same file."""
MAX_CHARACTERS_PER_S = 40.0
"""Twice the fastest speech."""
FREE_CHARACTERS = 20
"""Of a word that was cut to a fraction of a second."""
GHOSTS = frozenset(
    {
        "thanks for watching",
        "thank you for watching",
        "thank you so much for watching",
        "please subscribe",
        "please subscribe to my channel",
        "dont forget to like and subscribe",
        "subtitles by the amaraorg community",
    }
)
"""What viewers are told at the end of a video and nobody says on the telephone, without punctuation."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A model's text for `seconds` of sound, and what it says of it."""

    text: str
    seconds: float
    no_speech: float
    """Probability that nobody spoke."""
    log_probability: float
    """Mean of the tokens'."""
    compression: float
    """Length of the text to its length compressed by zlib."""


def plausible(understood: Understood) -> bool:
    text = understood.text.strip()
    return not (
        not any(character.isalnum() for character in text)
        or (understood.no_speech > NO_SPEECH and understood.log_probability < UNSURE)
        or understood.compression > REPETITIVE
        or len(text) > FREE_CHARACTERS + MAX_CHARACTERS_PER_S * understood.seconds
        or _plain(text) in GHOSTS
    )


def could_be_said(text: str, seconds: float) -> bool:
    """`plausible`, of a model that gives nothing but its text."""
    return plausible(Understood(text, seconds, no_speech=0.0, log_probability=0.0, compression=compression(text)))


def compression(text: str) -> float:
    """As OpenAI's `whisper/utils.py` reckons it."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def _plain(text: str) -> str:
    return " ".join("".join(c for c in text.lower() if c.isalnum() or c.isspace()).split())
