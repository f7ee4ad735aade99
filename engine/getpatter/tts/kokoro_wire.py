"""What passes between `kokoro` and its worker process."""

from __future__ import annotations

import msgspec


class Model(msgspec.Struct, frozen=True):
    """What is loaded."""

    folder: str
    """Where the files lie; empty for the cache that they are fetched into."""
    threads: int


class Prepare(msgspec.Struct, frozen=True, tag=True):
    """Load the model, and look whether it has the voice; answered by `Ready` or `Failed`."""

    model: Model
    voice: str


class Speak(msgspec.Struct, frozen=True, tag=True):
    """One sentence, answered by `Spoken` until the channel is finished."""

    model: Model
    text: str
    voice: str
    phonemes: str
    speed: float


class Ready(msgspec.Struct, frozen=True, tag=True):
    pass


class Failed(msgspec.Struct, frozen=True, tag=True):
    text: str
    next_step: str = ""


class Spoken(msgspec.Struct, frozen=True, tag=True):
    """pcm16 at 24 kHz."""

    audio: bytes


Request = Prepare | Speak
Reply = Ready | Failed | Spoken
