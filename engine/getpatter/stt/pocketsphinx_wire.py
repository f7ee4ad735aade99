"""What passes between `pocketsphinx` and its worker processes."""

from __future__ import annotations

import msgspec

from getpatter.audio.format import LINE

MAX_BACKLOG_BYTES = 60 * LINE.bytes_per_second
"""Undecoded audio of one recognition; a longer backlog loses its oldest part, since nobody waits that long."""


class Begin(msgspec.Struct, frozen=True, tag=True):
    """First on a channel; answered by `Ready`.  Without phrases the general model is used."""

    phrases: tuple[str, ...] = ()


class Audio(msgspec.Struct, frozen=True, tag=True):
    """µ-law at 8 kHz."""

    audio: bytes


class Finalize(msgspec.Struct, frozen=True, tag=True):
    """Answered by exactly one final `Heard`."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    pass


class Heard(msgspec.Struct, frozen=True, tag=True):
    text: str
    final: bool


Request = Begin | Audio | Finalize
Reply = Ready | Heard
