from __future__ import annotations

import msgspec
import pytest

from getpatter.worker_loop import LENGTH, Frame, Outlet, pack, unpack


class Note(msgspec.Struct):
    text: str


def test_a_frame_travels_with_its_length_in_front() -> None:
    frame = Frame(7, "message", b"\x00\xff")
    data = pack(frame)
    assert LENGTH.unpack(data[: LENGTH.size]) == (len(data) - LENGTH.size,)
    assert unpack(data[LENGTH.size :]) == frame


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        unpack(msgspec.msgpack.encode([1, "shout", b""]))


def test_a_closed_outlet_is_silent() -> None:
    written: list[Frame] = []
    outlet = Outlet(3, written.append)
    outlet.send(Note("heard"))
    outlet.closed = True
    outlet.send(Note("unheard"))
    outlet.fail("unheard")
    outlet.finish()
    assert written == [Frame(3, "message", msgspec.msgpack.encode(Note("heard")))]
