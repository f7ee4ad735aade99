from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.errors import MediaError
from getpatter.testing.line_codec import Clear, LineCodec, Mark, Play, Press
from getpatter.testing.plivo_line import PlivoLineCodec


def sent(message: bytes) -> Any:
    return json.loads(message)


def test_messages_are_numbered_from_the_start_on() -> None:
    line = PlivoLineCodec("s", "c")
    messages = [*line.open(), line.media(b""), line.dtmf("1"), line.mark("a"), *line.cleared(), line.media(b"")]
    assert [sent(message)["sequenceNumber"] for message in messages] == [1, 2, 3, 4, 5, 6]


def test_it_is_the_carriers_side_of_a_stream() -> None:
    codec: LineCodec = PlivoLineCodec("s", "c")
    assert codec.stream_id == "s"


def test_a_clear_is_answered_once_and_no_mark_comes_back() -> None:
    (answer,) = PlivoLineCodec("s", "c").cleared(["a", "b"])
    assert sent(answer) == {"event": "clearedAudio", "sequenceNumber": 1, "streamId": "s"}


def test_media_counts_chunks_and_the_time_of_its_audio() -> None:
    line = PlivoLineCodec("s", "c", began_ms=1000)
    media = [sent(line.media(bytes(size)))["media"] for size in (160, 160, 80, 160)]
    assert [part["chunk"] for part in media] == [1, 2, 3, 4]
    assert [part["timestamp"] for part in media] == ["1000", "1020", "1040", "1050"]


def test_what_was_to_be_passed_on_comes_with_the_start_and_all_that_is_heard() -> None:
    line = PlivoLineCodec("s", "c", "a=1")
    for message in (line.start(), line.media(b"\xff"), line.dtmf("1")):
        assert sent(message)["extra_headers"] == "a=1"


def test_commands_are_read_as_text_or_bytes() -> None:
    line = PlivoLineCodec("s", "c")
    play = '{"event":"playAudio","media":{"contentType":"audio/x-mulaw","sampleRate":8000,"payload":"/w=="}}'
    assert line.decode(play) == Play(b"\xff")
    assert line.decode(play.replace("8000", '"8000"').replace("}}", '},"streamId":"s"}').encode()) == Play(b"\xff")
    assert line.decode(b'{"event":"checkpoint","streamId":"s","name":"a"}') == Mark("a")
    assert line.decode(b'{"streamId":"s","event":"clearAudio"}') == Clear()
    assert line.decode(b'{"event":"sendDTMF","dtmf":"12#"}') == Press("12#")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b'{"event":"stop","streamId":"s"}',
        b'{"event":"clearAudio"}',
        b'{"event":"clearAudio","streamId":"s","now":true}',
        b'{"event":"clearAudio","streamId":"other"}',
        b'{"event":"checkpoint","streamId":"s"}',
        b'{"event":"sendDTMF","dtmf":"1w2"}',
        b'{"event":"sendDTMF","dtmf":""}',
        b'{"event":"playAudio","media":{"contentType":"audio/x-mulaw","sampleRate":8000,"payload":"!"}}',
        b'{"event":"playAudio","media":{"contentType":"audio/x-mulaw","sampleRate":16000,"payload":""}}',
        b'{"event":"playAudio","media":{"contentType":"audio/x-mulaw;rate=8000","sampleRate":8000,"payload":""}}',
        b'{"event":"playAudio","media":{"contentType":"audio/x-l16","sampleRate":8000,"payload":""}}',
    ],
)
def test_what_plivo_would_not_take_is_an_error(message: bytes) -> None:
    with pytest.raises(MediaError):
        PlivoLineCodec("s", "c").decode(message)


@given(message=st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_noise_gives_an_error_and_nothing_else(message: str | bytes) -> None:
    with pytest.raises(MediaError):
        PlivoLineCodec("s", "c").decode(message)
