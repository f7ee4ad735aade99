"""A stream protocol as its carrier speaks it: what simulated lines of every carrier have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Play(msgspec.Struct, frozen=True):
    """µ-law audio to queue."""

    audio: bytes


class Mark(msgspec.Struct, frozen=True):
    """To be returned, by `LineCodec.mark`, when all queued so far was played."""

    name: str


class Clear(msgspec.Struct, frozen=True):
    """Drop all queued audio and with it the marks that are pending."""


class Press(msgspec.Struct, frozen=True):
    """Press keys at the far end."""

    digits: str


LineCommand = Play | Mark | Clear | Press


class LineCodec(Protocol):
    """The carrier's side of one live stream, without I/O: the mirror of `carriers.base.MediaCodec`.

    Messages go out in the order `open`, any of the others, `stop`.
    """

    @property
    def stream_id(self) -> str: ...

    def open(self) -> list[bytes]:
        """The messages that begin a stream."""

    def media(self, audio: bytes) -> bytes:
        """The far end's next run of µ-law audio, usually 160 bytes."""

    def dtmf(self, digit: str) -> bytes:
        """The far end pressed a key."""

    def mark(self, name: str) -> bytes:
        """The return of a mark that was played."""

    def cleared(self, marks: Sequence[str]) -> list[bytes]:
        """What answers a `Clear` by which these marks were dropped."""

    def stop(self) -> bytes:
        """The message that ends the stream."""

    def decode(self, message: str | bytes) -> LineCommand:
        """What the agent's side asks for.  Raises `MediaError` for what the carrier would not take."""
