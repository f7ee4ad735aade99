from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from getpatter.carriers.base import (
    AudioReceived,
    DtmfReceived,
    MarkPlayed,
    MediaCodec,
    StreamStarted,
    StreamStopped,
)
from getpatter.carriers.messages import MAX_MESSAGE_BYTES
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.errors import MediaError
from getpatter.testing.line_codec import Clear, Mark, Play
from getpatter.testing.twilio_line import TwilioLineCodec


def connect() -> tuple[TwilioMediaCodec, TwilioLineCodec]:
    line = TwilioLineCodec("MZ1", "CA1", {"token": "once"})
    codec = TwilioMediaCodec()
    assert codec.decode(line.connected()) is None
    codec.decode(line.start())
    return codec, line


def start_message(**changes: Any) -> bytes:
    message = json.loads(TwilioLineCodec("MZ1", "CA1").start())
    message["start"].update(changes)
    return json.dumps(message).encode()


def test_it_is_a_media_codec() -> None:
    codec: MediaCodec = TwilioMediaCodec()
    assert codec.decode(b'{"event":"connected","protocol":"Call","version":"1.0.0"}') is None


def test_a_stream_starts_with_the_parameters_of_the_answer_document() -> None:
    line = TwilioLineCodec("MZ1", "CA1", {"token": "once", "naïve": "ü"})
    assert TwilioMediaCodec().decode(line.start()) == StreamStarted("MZ1", "CA1", {"token": "once", "naïve": "ü"})


def test_a_stream_without_parameters_has_none() -> None:
    message = json.loads(start_message())
    del message["start"]["customParameters"]
    assert TwilioMediaCodec().decode(json.dumps(message)) == StreamStarted("MZ1", "CA1", {})


@given(audio=st.binary(max_size=2000))
def test_what_the_line_says_is_heard(audio: bytes) -> None:
    codec, line = connect()
    assert codec.decode(line.media(audio)) == AudioReceived(audio)


@given(audio=st.binary(max_size=2000), name=st.text(st.characters(codec="utf-8"), max_size=100))
def test_what_we_say_reaches_the_line(audio: bytes, name: str) -> None:
    codec, line = connect()
    assert line.decode(codec.play(audio)) == Play(audio)
    assert line.decode(codec.mark(name)) == Mark(name)
    assert line.decode(codec.clear()) == Clear()


@given(stream=st.text(st.characters(codec="utf-8"), max_size=40))
def test_a_stream_may_have_any_name(stream: str) -> None:
    line, codec = TwilioLineCodec(stream, "CA1"), TwilioMediaCodec()
    codec.decode(line.start())
    assert line.decode(codec.play(b"\xff")) == Play(b"\xff")
    assert line.decode(codec.mark("m")) == Mark("m")
    assert line.decode(codec.clear()) == Clear()


def test_keys_and_the_end_are_reported() -> None:
    codec, line = connect()
    assert [codec.decode(line.dtmf(digit)) for digit in "09*#D"] == [DtmfReceived(digit) for digit in "09*#D"]
    assert codec.decode(line.stop()) == StreamStopped()


def test_text_is_taken_as_well_as_bytes() -> None:
    codec, line = connect()
    assert codec.decode(line.media(b"\xff").decode()) == AudioReceived(b"\xff")


def test_our_own_audio_that_is_sent_back_is_not_heard() -> None:
    codec, line = connect()
    assert codec.decode(line.media(b"\xff").replace(b'"inbound"', b'"outbound"')) is None


def test_events_that_were_added_since_are_passed_over() -> None:
    codec, _ = connect()
    assert codec.decode(b'{"event":"weather","media":"sunny"}') is None


class TestMarks:
    def test_a_mark_that_comes_back_was_played(self) -> None:
        codec, line = connect()
        codec.mark("a")
        assert codec.decode(line.mark("a")) == MarkPlayed("a")

    def test_marks_pending_at_a_clear_are_not_reported(self) -> None:
        codec, line = connect()
        for name in "abc":
            codec.mark(name)
        assert codec.decode(line.mark("a")) == MarkPlayed("a")
        codec.clear()
        assert [codec.decode(line.mark(name)) for name in "bc"] == [None, None]

    def test_a_return_that_was_under_way_at_the_clear_does_not_count_for_a_later_mark(self) -> None:
        codec, line = connect()
        codec.mark("a")
        codec.mark("b")
        played = line.mark("a")
        codec.clear()
        codec.mark("c")
        assert [codec.decode(message) for message in (played, line.mark("b"))] == [None, None]
        assert codec.decode(line.mark("c")) == MarkPlayed("c")

    def test_a_name_used_again_after_a_clear_is_told_apart_by_order(self) -> None:
        codec, line = connect()
        codec.mark("a")
        codec.mark("a")
        codec.clear()
        codec.mark("a")
        assert [codec.decode(line.mark("a")) for _ in range(4)] == [None, None, MarkPlayed("a"), None]

    def test_a_return_that_was_lost_at_a_clear_does_not_hold_back_later_marks(self) -> None:
        codec, line = connect()
        codec.mark("lost")
        codec.clear()
        codec.mark("a")
        assert codec.decode(line.mark("a")) == MarkPlayed("a")

    def test_a_mark_that_we_never_made_is_not_reported(self) -> None:
        codec, line = connect()
        assert codec.decode(line.mark("stranger")) is None


class TestOrder:
    @pytest.mark.parametrize("event", ["media", "mark", "dtmf", "stop"])
    def test_nothing_is_taken_before_the_start(self, event: str) -> None:
        line = TwilioLineCodec("MZ1", "CA1")
        message = {
            "media": line.media(b"\xff"),
            "mark": line.mark("a"),
            "dtmf": line.dtmf("1"),
            "stop": line.stop(),
        }[event]
        with pytest.raises(MediaError, match="before its start"):
            TwilioMediaCodec().decode(message)

    def test_nothing_can_be_sent_before_the_start(self) -> None:
        codec = TwilioMediaCodec()
        sends: list[Callable[[], bytes]] = [lambda: codec.play(b"\xff"), lambda: codec.mark("a"), codec.clear]
        for send in sends:
            with pytest.raises(MediaError, match="before its start"):
                send()

    def test_a_stream_starts_once(self) -> None:
        codec, line = connect()
        with pytest.raises(MediaError, match="twice"):
            codec.decode(line.start())


class TestBroken:
    @pytest.mark.parametrize(
        ("message", "says"),
        [
            (b"", "not JSON"),
            (b"hello", "not JSON"),
            (b'{"event":"media"', "not JSON"),
            (b'{"event":"media"}', "missing required field `media`"),
            (b'{"event":"media","media":{}}', "missing required field `payload`"),
            (b'{"event":"media","media":{"payload":7}}', "got `int` - at `$.media.payload`"),
            (b'{"event":"media","media":{"payload":"%%%"}}', "Invalid base64"),
            (b'{"event":"dtmf","dtmf":{"digit":"12"}}', "at `$.dtmf.digit`"),
            (b'{"event":"mark","mark":{"name":null}}', "at `$.mark.name`"),
            (b'{"event":3}', "at `$.event`"),
            (b'{"media":{"payload":""}}', "missing required field `event`"),
            (b"[]", "got `array`"),
            ('{"event":"\ud800"}', "not UTF-8"),
            (b'{"event":"media","x":' + b"[" * 60_000, "nested too deeply"),
        ],
    )
    def test_an_error_says_what_is_wrong(self, message: str | bytes, says: str) -> None:
        with pytest.raises(MediaError) as raised:
            connect()[0].decode(message)
        assert says in raised.value.message

    def test_a_message_that_is_too_long_is_not_read(self) -> None:
        with pytest.raises(MediaError, match="65536 are taken"):
            connect()[0].decode(b" " * (MAX_MESSAGE_BYTES + 1))

    @pytest.mark.parametrize(
        "sound",
        [
            {"encoding": "audio/x-alaw", "sampleRate": 8000, "channels": 1},
            {"encoding": "audio/x-mulaw", "sampleRate": 16000, "channels": 1},
            {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 2},
        ],
    )
    def test_sound_that_is_not_telephone_sound_is_refused(self, sound: dict[str, Any]) -> None:
        with pytest.raises(MediaError, match="audio/x-mulaw at 8000 Hz in one channel"):
            TwilioMediaCodec().decode(start_message(mediaFormat=sound))

    def test_an_error_repeats_nothing_of_the_message(self) -> None:
        secret = "4111-1111"
        for message in (
            {"event": "media", "media": {"payload": secret}},
            {"event": "dtmf", "dtmf": {"digit": secret}},
            {"event": "start", "start": {"customParameters": {secret: 5}}},
            {"event": "start", secret: secret},
            secret,
        ):
            with pytest.raises(MediaError) as raised:
                connect()[0].decode(json.dumps(message))
            assert secret not in raised.value.message

    @given(message=st.one_of(st.binary(max_size=300), st.text(max_size=300)))
    @example(message=b'{"event":"","":""}')
    def test_noise_says_nothing(self, message: str | bytes) -> None:
        try:
            event = connect()[0].decode(message)
        except MediaError:
            return
        assert event is None, "noise may be a message of a kind unknown to us, and no other"

    @given(
        at=st.integers(0, 400),
        noise=st.binary(min_size=1, max_size=20),
        dropped=st.integers(0, 20),
        which=st.sampled_from(["media", "start", "mark", "dtmf", "stop"]),
    )
    def test_a_damaged_message_gives_an_event_or_an_error(
        self, at: int, noise: bytes, dropped: int, which: str
    ) -> None:
        codec, line = connect()
        sound = {
            "media": line.media(bytes(160)),
            "start": line.start(),
            "mark": line.mark("a"),
            "dtmf": line.dtmf("1"),
            "stop": line.stop(),
        }[which]
        try:
            event = codec.decode(sound[:at] + noise + sound[at + dropped :])
        except MediaError:
            return
        assert event is None or isinstance(event, msgspec.Struct)
