from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.errors import MediaError
from getpatter.testing.line_codec import Clear, Mark, Play
from getpatter.testing.twilio_line import TwilioLineCodec


def sent(message: bytes) -> Any:
    return json.loads(message)


def test_messages_are_numbered_from_the_start_on_in_strings() -> None:
    line = TwilioLineCodec("MZ1", "CA1")
    assert "sequenceNumber" not in sent(line.connected())
    messages = [line.start(), line.media(b""), line.dtmf("1"), line.mark("a"), line.media(b""), line.stop()]
    assert [sent(message)["sequenceNumber"] for message in messages] == ["1", "2", "3", "4", "5", "6"]


def test_media_counts_chunks_and_the_time_of_its_audio() -> None:
    line = TwilioLineCodec("MZ1", "CA1")
    media = [sent(line.media(bytes(size)))["media"] for size in (160, 160, 80, 160)]
    assert [(part["chunk"], part["timestamp"]) for part in media] == [("1", "0"), ("2", "20"), ("3", "40"), ("4", "50")]


def test_commands_are_read_as_text_or_bytes() -> None:
    line = TwilioLineCodec("MZ1", "CA1")
    assert line.decode('{"event":"media","streamSid":"MZ1","media":{"payload":"/w=="}}') == Play(b"\xff")
    assert line.decode(b'{"event":"mark","streamSid":"MZ1","mark":{"name":"a"}}') == Mark("a")
    assert line.decode(b'{"streamSid":"MZ1","event":"clear"}') == Clear()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b'{"event":"stop","streamSid":"MZ1"}',
        b'{"event":"clear"}',
        b'{"event":"clear","streamSid":"MZ1","now":true}',
        b'{"event":"media","streamSid":"MZ1","media":{"payload":"!"}}',
        b'{"event":"media","streamSid":"MZ1","media":{"payload":"","track":"inbound"}}',
        b'{"event":"mark","streamSid":"MZ1","mark":{}}',
        b'{"event":"clear","streamSid":"MZ2"}',
    ],
)
def test_what_twilio_would_not_take_is_an_error(message: bytes) -> None:
    with pytest.raises(MediaError):
        TwilioLineCodec("MZ1", "CA1").decode(message)


@given(message=st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_noise_gives_an_error_and_nothing_else(message: str | bytes) -> None:
    with pytest.raises(MediaError):
        TwilioLineCodec("MZ1", "CA1").decode(message)
