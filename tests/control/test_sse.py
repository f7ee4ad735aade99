from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from getpatter.control.sse import HEARTBEAT, FrameDecoder, frame
from getpatter.events import Turn, decode, encode


def test_a_frame_carries_its_number_as_the_event_id() -> None:
    assert frame(b"{}", 7) == b"id: 7\ndata: {}\n\n"


def test_heartbeats_are_not_events() -> None:
    assert FrameDecoder().feed(HEARTBEAT + frame(b"{}", 1) + HEARTBEAT) == [b"{}"]


def test_an_incomplete_event_waits_for_its_rest() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(b"id: 1\nda") == []
    assert decoder.feed(b"ta: {}\n") == []
    assert decoder.feed(b"\n") == [b"{}"]


def test_a_line_separator_in_speech_does_not_split_the_event() -> None:
    spoken = Turn(call_id="c", at=0.0, index=0, role="caller", text="a\u2028b\x85c\nd", started_at=0.0, ended_at=0.0)
    (data,) = FrameDecoder().feed(frame(encode(spoken), 1))
    assert decode(data) == spoken


@given(st.lists(st.text(), min_size=1), st.integers(1, 50))
def test_events_survive_any_chunking(texts: list[str], size: int) -> None:
    spoken = [Turn(call_id="c", at=0.0, index=0, role="agent", text=t, started_at=0.0, ended_at=0.0) for t in texts]
    wire = b"".join(frame(encode(event), n) for n, event in enumerate(spoken))
    decoder = FrameDecoder()
    chunks = (wire[start : start + size] for start in range(0, len(wire), size))
    assert [decode(data) for chunk in chunks for data in decoder.feed(chunk)] == spoken
