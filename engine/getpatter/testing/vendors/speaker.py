"""A voice of a vendor's: it makes a tone of what it is given to say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.socket_server import Session, SocketServer

SECONDS_PER_CHARACTER = 0.05
PIECE_S = 0.1
"""How much sound one message holds."""


def sound(text: str, format: AudioFormat) -> bytes:
    """What the stand-ins make of a text: so many bytes that differ by the text, `SECONDS_PER_CHARACTER` of it for each
    character; whole samples."""
    size = int(len(text) * SECONDS_PER_CHARACTER * format.rate) * (format.bytes_per_second // format.rate)
    seed = text.encode() or b"\0"
    return (seed * (size // len(seed) + 1))[:size]


def pieces(audio: bytes, format: AudioFormat) -> list[bytes]:
    """In messages of `PIECE_S`."""
    size = max(1, int(PIECE_S * format.bytes_per_second))
    return [audio[at : at + size] for at in range(0, len(audio), size)]


@dataclass
class Orders:
    """How the vendor is to behave, and what it was asked for; by HTTP or WebSocket."""

    spoken: list[str] = field(default_factory=list)
    """Each text that it was given to say."""
    cancelled: list[str] = field(default_factory=list)
    """Each text that it was told not to go on with, or whose client left before its end."""
    stall_after: int | None = None
    """Say no more after this many pieces of a text."""
    drop_after: int | None = None
    """Break the connection after this many pieces of a text."""
    complain_after: int | None = None
    """Fail after this many pieces of a text, in the vendor's words."""
    tears: int = 0
    """So many of the next texts find their connection broken, as one that the vendor was about to close."""

    def drops(self, number: int) -> bool:
        """Whether the connection breaks before the piece of this number; asked once for each."""
        if number == 0 and self.tears:
            self.tears -= 1
            return True
        return number == self.drop_after


class SpeakerServer(SocketServer, ABC):
    """Speaks whatever it is given.  A subclass speaks one vendor's protocol, and obeys `orders`."""

    def __init__(self, *, key: str = "") -> None:
        super().__init__(key=key)
        self.orders = Orders()

    @abstractmethod
    async def complain(self, session: Session) -> None:
        """Fail as the vendor does, with its error message."""
