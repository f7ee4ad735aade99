"""A recogniser of a vendor's, on a WebSocket: it understands what it was told to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque

from getpatter.testing.vendors.socket_server import Session, SocketServer


class RecogniserServer(SocketServer, ABC):
    """Understands `utterances`, one whenever it is asked for what was said and audio has come since it was last asked;
    then nothing.

    A subclass speaks one vendor's protocol.  What the tests of every recogniser need of it is here.
    """

    def __init__(self, *utterances: str, key: str = "") -> None:
        super().__init__(key=key)
        self._utterances = deque(utterances)
        self._asked_at: dict[Session, int] = {}

    @property
    def audio(self) -> bytes:
        """All the audio that came, over all connections."""
        return b"".join(self.heard(session) for session in self.sessions)

    def understand(self, session: Session) -> str:
        """What was said in the audio since the last time this was asked; empty for no audio, or nothing left to say."""
        heard = len(self.heard(session))
        if heard <= self._asked_at.get(session, 0):
            return ""
        self._asked_at[session] = heard
        return self._utterances.popleft() if self._utterances else ""

    @abstractmethod
    def heard(self, session: Session) -> bytes:
        """All the audio that came, as the adapter was given it."""

    @abstractmethod
    async def complain(self, session: Session) -> None:
        """Fail in the middle of a session, as the vendor does: with its error message, and the close that follows."""
