from __future__ import annotations

import contextlib
import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.base import AudioReceived, DtmfReceived, StreamStarted, StreamStopped
from getpatter.carriers.telnyx.media import TelnyxMediaCodec
from getpatter.errors import MediaError
from getpatter.testing.line_codec import Clear, Mark, Play
from getpatter.testing.telnyx_line import StreamOf, TelnyxLineCodec

STATE = b64encode(b'{"token":"t"}').decode()


def line(**more: Any) -> TelnyxLineCodec:
    return TelnyxLineCodec("s1", StreamOf(call_control_id="v3:1", client_state=STATE), **more)


def sent(message: bytes) -> Any:
    return json.loads(message)


def test_messages_are_numbered_from_the_start_on_in_strings() -> None:
    codec = line()
    connected, start = codec.open()
    assert sent(connected) == {"event": "connected", "version": "1.0.0"}
    messages = [start, codec.media(b""), codec.dtmf("1"), codec.mark("a"), codec.stop()]
    assert [sent(message)["sequence_number"] for message in messages] == ["1", "2", "3", "4", "5"]
    assert {sent(message)["stream_id"] for message in messages} == {"s1"}


def test_media_counts_chunks_and_the_time_of_its_audio() -> None:
    codec = line()
    media = [sent(codec.media(bytes(size)))["media"] for size in (160, 80, 160)]
    assert [(part["chunk"], part["timestamp"]) for part in media] == [("1", "0"), ("2", "20"), ("3", "30")]


def test_our_codec_understands_it() -> None:
    codec, ours = line(), TelnyxMediaCodec()
    events = [ours.decode(message) for message in (*codec.open(), codec.media(b"\x01" * 160), codec.dtmf("#"))]
    assert events == [
        None,
        StreamStarted("s1", "v3:1", {"token": "t"}),
        AudioReceived(b"\x01" * 160),
        DtmfReceived("#"),
    ]
    assert ours.decode(codec.stop()) == StreamStopped()


@given(audio=st.binary(min_size=160, max_size=1000), name=st.text(st.characters(codec="utf-8"), max_size=40))
def test_it_understands_our_codec(audio: bytes, name: str) -> None:
    codec, ours = line(), TelnyxMediaCodec()
    for message in codec.open():
        ours.decode(message)
    assert codec.decode(ours.play(audio)) == Play(audio)
    assert codec.decode(ours.mark(name)) == Mark(name)
    assert codec.decode(ours.clear()) == Clear()


def test_dropped_marks_come_back() -> None:
    assert [sent(message)["mark"]["name"] for message in line().cleared(["a", "b"])] == ["a", "b"]


def test_audio_is_not_heard_where_the_mode_is_not_rtp() -> None:
    message = b'{"event":"media","media":{"payload":"%b"}}' % b64encode(b"\x01" * 160)
    assert line(is_rtp=False).decode(message) == Play(b"")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b'{"event":"stop"}',
        b'{"event":"clear","stream_id":"s1"}',
        b'{"event":"media","media":{"payload":"!"}}',
        b'{"event":"media","media":{"payload":"%b"}}' % b64encode(b"\x01" * 159),
        b'{"event":"media","media":{"payload":"%b"}}' % b64encode(b"\x01" * 240_001),
        b'{"event":"mark","mark":{}}',
    ],
)
def test_what_telnyx_would_not_take_is_an_error(message: bytes) -> None:
    with pytest.raises(MediaError):
        line().decode(message)


@given(message=st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_noise_gives_an_error_and_nothing_else(message: str | bytes) -> None:
    with contextlib.suppress(MediaError):
        assert line().decode(message) == Clear(), "the one command that chance can find"
