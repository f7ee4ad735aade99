from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from getpatter.connections.sse import MAX_EVENT, EventStreamParser, ServerSentEvent


def parse(stream: bytes) -> list[ServerSentEvent]:
    return EventStreamParser().feed(stream)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: one\n\ndata: two\n\n", [("message", "one"), ("message", "two")]),
        (b"data: first\ndata:second\ndata\n\n", [("message", "first\nsecond\n")]),
        (b"data:  kept space\n\n", [("message", " kept space")]),
        (b"event: error\ndata: x\n\ndata: y\n\n", [("error", "x"), ("message", "y")]),
        (b": keep-alive\n\ndata: x\n\n", [("message", "x")]),
        (b"event: ping\n\ndata: x\n\n", [("message", "x")]),
        (b"id: 1\nretry: 10\nunknown: 5\ndata: x\n\n", [("message", "x")]),
        (b"\xef\xbb\xbfdata: x\r\n\r\ndata: y\r\r", [("message", "x"), ("message", "y")]),
        (b'data: {"a": "b: c"}\n\n', [("message", '{"a": "b: c"}')]),
        (b"data: never completed\n", []),
        (b"data: \xff\n\n", [("message", "�")]),
    ],
)
def test_streams_are_read_as_the_specification_says(stream: bytes, events: list[tuple[str, str]]) -> None:
    assert parse(stream) == [ServerSentEvent(event, data) for event, data in events]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["data: é", "data:", "event: x", ":", "\n", "\r", "\r\n", "\n\n", "日本"])).map("".join),
    st.lists(st.integers(1, 5)),
)
def test_the_chunks_a_stream_comes_in_make_no_difference(stream: str, sizes: list[int]) -> None:
    rest = stream.encode()
    parser = EventStreamParser()
    events = []
    for size in sizes:
        events += parser.feed(rest[:size])
        rest = rest[size:]
    assert [*events, *parser.feed(rest)] == parse(stream.encode())


@pytest.mark.parametrize("filler", [b"x" * 8192, b"data: " + b"x" * 8192 + b"\n"])
def test_an_endless_event_is_refused(filler: bytes) -> None:
    parser = EventStreamParser()
    for _ in range(MAX_EVENT // len(filler)):
        parser.feed(filler)
    with pytest.raises(ValueError, match="more than"):
        parser.feed(filler * 2)
