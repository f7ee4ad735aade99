from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
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
from getpatter.carriers.plivo import extra_headers
from getpatter.carriers.plivo.media import PlivoMediaCodec
from getpatter.errors import MediaError
from getpatter.testing.line_codec import Clear, Mark, Play, Press
from getpatter.testing.plivo_line import PlivoLineCodec


def connect() -> tuple[PlivoMediaCodec, PlivoLineCodec]:
    line = PlivoLineCodec("stream-1", "call-1", extra_headers.written({"token": "once"}))
    codec = PlivoMediaCodec()
    codec.decode(line.start())
    return codec, line


def start_message(**changes: Any) -> bytes:
    message = json.loads(PlivoLineCodec("stream-1", "call-1").start())
    message["start"].update(changes)
    return json.dumps(message).encode()


def test_it_is_a_media_codec_that_hears_keys() -> None:
    codec: MediaCodec = PlivoMediaCodec()
    assert codec.dtmf_events


def test_a_stream_starts_with_the_parameters_of_the_answer_document() -> None:
    line = PlivoLineCodec("stream-1", "call-1", extra_headers.written({"token": "on-ce_", "naïve": "ü"}))
    started = StreamStarted("stream-1", "call-1", {"token": "on-ce_", "naïve": "ü"})
    assert PlivoMediaCodec().decode(line.start()) == started


@pytest.mark.parametrize("headers", ["token=once", '{"X-PH-token":"once"}', {"X-PH-token": "once"}])
def test_parameters_are_understood_as_others_spell_them(headers: Any) -> None:
    message = json.loads(start_message()) | {"extra_headers": headers}
    assert PlivoMediaCodec().decode(json.dumps(message)) == StreamStarted("stream-1", "call-1", {"token": "once"})


def test_a_stream_without_parameters_has_none() -> None:
    message = json.loads(start_message())
    del message["extra_headers"]
    assert PlivoMediaCodec().decode(json.dumps(message)) == StreamStarted("stream-1", "call-1", {})


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
    line, codec = PlivoLineCodec(stream, "call-1"), PlivoMediaCodec()
    codec.decode(line.start())
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
    assert codec.decode(b'{"event":"playFailed","media":"sunny"}') is None


class TestKeys:
    def test_keys_are_pressed_in_one_message(self) -> None:
        codec, line = connect()
        assert line.decode(codec.press("1*#D")) == Press("1*#D")

    @pytest.mark.parametrize("keys", ["", "1w2", "12x", '1"', "١"])
    def test_what_is_no_key_is_refused(self, keys: str) -> None:
        with pytest.raises(MediaError, match="Keys are"):
            connect()[0].press(keys)


class TestMarks:
    def test_a_mark_that_comes_back_was_played(self) -> None:
        codec, line = connect()
        codec.mark("a")
        assert codec.decode(line.mark("a")) == MarkPlayed("a")

    def test_a_return_that_was_under_way_at_a_clear_is_not_reported(self) -> None:
        codec, line = connect()
        codec.mark("a")
        codec.mark("b")
        codec.clear()
        codec.mark("c")
        messages = line.mark("a"), *line.cleared(), line.mark("c")
        assert [codec.decode(message) for message in messages] == [None, None, MarkPlayed("c")]

    def test_a_name_that_was_cleared_can_be_used_again(self) -> None:
        codec, line = connect()
        codec.mark("a")
        codec.clear()
        codec.decode(line.cleared()[0])
        codec.mark("a")
        assert codec.decode(line.mark("a")) == MarkPlayed("a")

    def test_the_answer_to_an_earlier_clear_does_not_settle_a_later_one(self) -> None:
        codec, line = connect()
        codec.clear()
        codec.mark("a")
        codec.clear()
        codec.mark("a")
        messages = *line.cleared(), line.mark("a"), *line.cleared(), line.mark("a")
        assert [codec.decode(message) for message in messages] == [None, None, None, MarkPlayed("a")]

    def test_a_clear_that_is_never_answered_does_not_hold_back_later_marks(self) -> None:
        codec, line = connect()
        codec.clear()
        codec.mark("a")
        assert codec.decode(line.mark("a")) == MarkPlayed("a")

    def test_an_answer_that_was_not_asked_for_changes_nothing(self) -> None:
        codec, line = connect()
        codec.decode(line.cleared()[0])
        codec.mark("a")
        codec.clear()
        assert codec.decode(line.mark("a")) is None

    def test_a_mark_is_reported_once_and_a_strange_one_never(self) -> None:
        codec, line = connect()
        codec.mark("a")
        codec.mark("a")
        reported = [codec.decode(line.mark("a")) for _ in range(3)]
        assert reported == [MarkPlayed("a"), MarkPlayed("a"), None]


class TestOrder:
    @pytest.mark.parametrize("event", ["media", "playedStream", "clearedAudio", "dtmf", "stop"])
    def test_nothing_is_taken_before_the_start(self, event: str) -> None:
        line = PlivoLineCodec("stream-1", "call-1")
        message = {
            "media": line.media(b"\xff"),
            "playedStream": line.mark("a"),
            "clearedAudio": line.cleared()[0],
            "dtmf": line.dtmf("1"),
            "stop": line.stop(),
        }[event]
        with pytest.raises(MediaError, match="before its start"):
            PlivoMediaCodec().decode(message)

    def test_nothing_can_be_sent_before_the_start(self) -> None:
        codec = PlivoMediaCodec()
        sends: list[Callable[[], bytes]] = [
            lambda: codec.play(b"\xff"),
            lambda: codec.mark("a"),
            lambda: codec.press("1"),
            codec.clear,
        ]
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
            (b'{"event":"playedStream","name":null}', "at `$.name`"),
            (b'{"event":3}', "at `$.event`"),
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

    @pytest.mark.parametrize(("encoding", "rate"), [("audio/x-l16", 8000), ("audio/x-mulaw", 16000)])
    def test_sound_that_is_not_telephone_sound_is_refused(self, encoding: str, rate: int) -> None:
        with pytest.raises(MediaError, match="audio/x-mulaw at 8000 Hz"):
            PlivoMediaCodec().decode(start_message(mediaFormat={"encoding": encoding, "sampleRate": rate}))

    def test_an_error_repeats_nothing_of_the_message(self) -> None:
        secret = "4111-1111"
        for message in (
            {"event": "media", "media": {"payload": secret}},
            {"event": "dtmf", "dtmf": {"digit": secret}},
            {"event": "start", "start": {"callId": 5, secret: secret}},
            secret,
        ):
            with pytest.raises(MediaError) as raised:
                connect()[0].decode(json.dumps(message))
            assert secret not in raised.value.message

    @given(message=st.one_of(st.binary(max_size=300), st.text(max_size=300)))
    def test_noise_says_nothing_or_is_an_error(self, message: str | bytes) -> None:
        with contextlib.suppress(MediaError):
            assert connect()[0].decode(message) is None

    @given(
        at=st.integers(0, 400),
        noise=st.binary(min_size=1, max_size=20),
        dropped=st.integers(0, 20),
        which=st.sampled_from(["media", "start", "playedStream", "clearedAudio", "dtmf", "stop"]),
    )
    def test_a_damaged_message_gives_an_event_or_an_error(
        self, at: int, noise: bytes, dropped: int, which: str
    ) -> None:
        codec, line = connect()
        sound = {
            "media": line.media(bytes(160)),
            "start": line.start(),
            "playedStream": line.mark("a"),
            "clearedAudio": line.cleared()[0],
            "dtmf": line.dtmf("1"),
            "stop": line.stop(),
        }[which]
        try:
            event = codec.decode(sound[:at] + noise + sound[at + dropped :])
        except MediaError:
            return
        assert event is None or isinstance(event, msgspec.Struct)
