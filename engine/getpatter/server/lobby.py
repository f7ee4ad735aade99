"""Media sockets that have not said yet whose call they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from getpatter.calls.media import MediaSink, MediaSocket

PER_CALL: Final = 4
"""A carrier opens one, and another when it believes the first one lost."""
IN_ALL: Final = 100


class Guest(MediaSink, Protocol):
    """A stream that may turn out to be nobody's."""

    @property
    def waiting(self) -> bool:
        """Open, and no call's yet."""


class Lobby:
    """Counts the streams that wait, so that nobody keeps sockets open at will."""

    def __init__(self) -> None:
        self._streams: list[tuple[str, Guest]] = []

    def has_room(self, call_id: str) -> bool:
        """For one more on this call's path."""
        self._streams = [(path, stream) for path, stream in self._streams if stream.waiting]
        return len(self._streams) < IN_ALL and sum(path == call_id for path, _ in self._streams) < PER_CALL

    def enter(self, call_id: str, stream: Guest) -> None:
        self._streams.append((call_id, stream))


class WatchedSocket:
    """A media socket for a stream, which tells when the stream turns its peer away: closes it with 1008
    (RFC 6455 section 7.4.1, a policy was violated)."""

    def __init__(self, socket: MediaSocket, turned_away: Callable[[str], None]) -> None:
        """`turned_away` is given the reason."""
        self._socket = socket
        self._turned_away = turned_away
        self.peer = socket.peer
        # The socket's own, since fifty messages a second go through it.
        self.send: Callable[[bytes], None] = socket.send

    def close(self, code: int = 1000, reason: str = "") -> None:
        if code == 1008:
            self._turned_away(reason)
        self._socket.close(code, reason)
