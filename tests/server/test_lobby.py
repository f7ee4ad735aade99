from __future__ import annotations

from getpatter.server.lobby import IN_ALL, PER_CALL, Lobby, WatchedSocket


class Stream:
    waiting = True

    def on_message(self, message: bytes) -> None: ...

    def on_closed(self, code: int) -> None: ...


def test_few_streams_may_wait_on_one_call() -> None:
    lobby, streams = Lobby(), [Stream() for _ in range(PER_CALL)]
    for stream in streams:
        assert lobby.has_room("call_1")
        lobby.enter("call_1", stream)
    assert not lobby.has_room("call_1")
    assert lobby.has_room("call_2")
    streams[0].waiting = False
    assert lobby.has_room("call_1")


def test_not_many_streams_may_wait_in_all() -> None:
    lobby = Lobby()
    for number in range(IN_ALL):
        assert lobby.has_room(f"call_{number}")
        lobby.enter(f"call_{number}", Stream())
    assert not lobby.has_room("call_x")


class Socket:
    peer = "192.0.2.1:4711"

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed: list[tuple[int, str]] = []

    def send(self, message: bytes) -> None:
        self.sent.append(message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed.append((code, reason))


def test_a_peer_that_is_turned_away_is_told_of() -> None:
    socket, reasons = Socket(), list[str]()
    watched = WatchedSocket(socket, reasons.append)
    watched.send(b"audio")
    watched.close(1008, "no call has this token")
    assert (socket.sent, socket.closed, reasons) == (
        [b"audio"],
        [(1008, "no call has this token")],
        ["no call has this token"],
    )


def test_an_ordinary_close_is_nothing_to_tell() -> None:
    socket, reasons = Socket(), list[str]()
    WatchedSocket(socket, reasons.append).close()
    assert (socket.closed, reasons) == ([(1000, "")], [])
