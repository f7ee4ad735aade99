from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.audio import g711
from getpatter.carriers.base import (
    AudioReceived,
    DtmfReceived,
    MarkPlayed,
    MediaCodec,
    StreamStarted,
    StreamStopped,
)
from getpatter.carriers.messages import MAX_MESSAGE_BYTES
from getpatter.carriers.telnyx import client_state
from getpatter.carriers.telnyx.media import MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, TelnyxMediaCodec
from getpatter.errors import MediaError

CALL = "v3:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ"
STREAM = "32DE0DEA-53CB-4B21-89A4-9E1819C043BC"
FRAME = bytes(range(160))


def start(media_format: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """As in Telnyx's documentation."""
    body = {
        "user_id": "3E6F995F-85F7-4705-9741-53B116D28237",
        "call_control_id": CALL,
        "call_session_id": "ff55a038-6f5d-11ef-9692-02420aeffb1f",
        "from": "+13122010094",
        "to": "+13122123456",
        "tags": ["TAG1"],
        "client_state": client_state.encode({"token": "once"}),
        "media_format": media_format or {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
    }
    message = {"event": "start", "sequence_number": "1", "stream_id": STREAM, "start": body | changes}
    return json.dumps(message).encode()


def media(audio: bytes, chunk: int | None = None, *, track: str = "inbound") -> bytes:
    body = {"track": track, "timestamp": "5", "payload": b64encode(audio).decode()}
    if chunk is not None:
        body["chunk"] = str(chunk)
    return json.dumps({"event": "media", "sequence_number": "4", "stream_id": STREAM, "media": body}).encode()


def mark(name: str) -> bytes:
    return json.dumps({"event": "mark", "sequence_number": "5", "stream_id": STREAM, "mark": {"name": name}}).encode()


def dtmf(digit: str) -> bytes:
    message = {
        "event": "dtmf",
        "stream_id": STREAM,
        "occurred_at": "2025-01-15T10:30:00Z",
        "sequence_number": "5",
        "dtmf": {"digit": digit},
    }
    return json.dumps(message).encode()


STOP = json.dumps({"event": "stop", "sequence_number": "9", "stream_id": STREAM, "stop": {"user_id": "x"}}).encode()


def connected(**changes: Any) -> TelnyxMediaCodec:
    codec = TelnyxMediaCodec()
    codec.decode(b'{"event":"connected","version":"1.0.0"}')
    codec.decode(start(**changes))
    return codec


def test_it_is_a_media_codec() -> None:
    codec: MediaCodec = TelnyxMediaCodec()
    assert codec.decode(b'{"event":"connected","version":"1.0.0"}') is None


def test_a_stream_starts_with_what_the_command_sent_along() -> None:
    assert TelnyxMediaCodec().decode(start()) == StreamStarted(STREAM, CALL, {"token": "once"})


@pytest.mark.parametrize("state", [None, "", "aGF2ZSBhIG5pY2UgZGF5ID1d"])
def test_a_stream_that_brings_nothing_of_ours_starts_without(state: str | None) -> None:
    assert TelnyxMediaCodec().decode(start(client_state=state)) == StreamStarted(STREAM, CALL, {})


@given(audio=st.binary(min_size=1, max_size=2000))
def test_what_the_line_says_is_heard(audio: bytes) -> None:
    assert connected().decode(media(audio, 1)) == AudioReceived(audio)


def test_audio_without_a_number_is_heard_as_it_comes() -> None:
    codec = connected()
    assert [codec.decode(media(audio)) for audio in (b"a", b"b")] == [AudioReceived(b"a"), AudioReceived(b"b")]


def test_audio_out_of_order_is_put_back() -> None:
    codec = connected()
    heard = [codec.decode(media(b"%d" % chunk, chunk)) for chunk in (1, 3, 2, 4)]
    assert heard == [AudioReceived(b"1"), None, AudioReceived(b"23"), AudioReceived(b"4")]


def test_alaw_is_heard_as_mulaw() -> None:
    codec = connected(media_format={"encoding": "PCMA", "sample_rate": 8000, "channels": 1})
    assert codec.decode(media(FRAME, 1)) == AudioReceived(g711.from_alaw(FRAME))


def test_numbers_may_come_as_strings_or_as_numbers() -> None:
    codec = connected(media_format={"encoding": "PCMU", "sample_rate": "8000", "channels": "1"})
    message = {"event": "media", "media": {"track": "inbound", "chunk": 1, "payload": b64encode(FRAME).decode()}}
    assert codec.decode(json.dumps(message)) == AudioReceived(FRAME)


@given(audio=st.binary(min_size=MIN_CHUNK_BYTES, max_size=2000), name=st.text(st.characters(codec="utf-8")))
def test_what_we_say_reaches_the_line(audio: bytes, name: str) -> None:
    codec = connected()
    played = json.loads(codec.play(audio))
    assert played == {"event": "media", "media": {"payload": b64encode(audio).decode()}}
    assert json.loads(codec.mark(name)) == {"event": "mark", "mark": {"name": name}}
    assert json.loads(codec.clear()) == {"event": "clear"}


def test_less_than_20_ms_is_filled_up_with_silence() -> None:
    played = json.loads(connected().play(b"\x00" * 100))
    assert b64decode(played["media"]["payload"]) == b"\x00" * 100 + b"\xff" * 60


def test_more_than_30_s_is_refused() -> None:
    with pytest.raises(MediaError, match="240000 bytes"):
        connected().play(bytes(MAX_CHUNK_BYTES + 1))


def test_keys_and_the_end_are_reported() -> None:
    codec = connected()
    assert [codec.decode(dtmf(digit)) for digit in "09*#D"] == [DtmfReceived(digit) for digit in "09*#D"]
    assert codec.decode(STOP) == StreamStopped()


def test_keys_are_pressed_by_a_command() -> None:
    with pytest.raises(MediaError, match="presses keys"):
        connected().press("1")


def test_our_own_audio_that_is_sent_back_is_not_heard() -> None:
    codec = connected()
    assert codec.decode(media(FRAME, 1, track="outbound")) is None
    assert codec.decode(media(FRAME, 1)) == AudioReceived(FRAME)


def test_events_that_were_added_since_are_passed_over() -> None:
    assert connected().decode(b'{"event":"weather","media":"sunny"}') is None


class TestMarks:
    def test_a_mark_that_comes_back_was_played(self) -> None:
        codec = connected()
        codec.mark("a")
        assert codec.decode(mark("a")) == MarkPlayed("a")

    def test_marks_pending_at_a_clear_are_not_reported(self) -> None:
        codec = connected()
        for name in "abc":
            codec.mark(name)
        assert codec.decode(mark("a")) == MarkPlayed("a")
        codec.clear()
        assert [codec.decode(mark(name)) for name in "bc"] == [None, None]

    def test_a_mark_that_we_never_made_is_not_reported(self) -> None:
        assert connected().decode(mark("stranger")) is None


class TestOrder:
    @pytest.mark.parametrize("message", [media(FRAME, 1), mark("a"), dtmf("1"), STOP])
    def test_nothing_is_taken_before_the_start(self, message: bytes) -> None:
        with pytest.raises(MediaError, match="before its start"):
            TelnyxMediaCodec().decode(message)

    def test_nothing_can_be_sent_before_the_start(self) -> None:
        codec = TelnyxMediaCodec()
        sends: list[Callable[[], bytes]] = [lambda: codec.play(FRAME), lambda: codec.mark("a"), codec.clear]
        for send in sends:
            with pytest.raises(MediaError, match="before its start"):
                send()

    def test_a_stream_starts_once(self) -> None:
        with pytest.raises(MediaError, match="twice"):
            connected().decode(start())


class TestBroken:
    @pytest.mark.parametrize(
        ("message", "says"),
        [
            (b"", "not JSON"),
            (b'{"event":"media"', "not JSON"),
            (b'{"event":"media"}', "missing required field `media`"),
            (b'{"event":"media","media":{}}', "missing required field `payload`"),
            (b'{"event":"media","media":{"payload":"%%%"}}', "Invalid base64"),
            (b'{"event":"media","media":{"payload":"","chunk":"one"}}', "at `$.media.chunk`"),
            (b'{"event":"dtmf","dtmf":{"digit":"12"}}', "at `$.dtmf.digit`"),
            (b'{"event":3}', "at `$.event`"),
            (b"[]", "got `array`"),
            ('{"event":"\ud800"}', "not UTF-8"),
            (b'{"event":"media","x":' + b"[" * 60_000, "nested too deeply"),
        ],
    )
    def test_an_error_says_what_is_wrong(self, message: str | bytes, says: str) -> None:
        with pytest.raises(MediaError) as raised:
            connected().decode(message)
        assert says in raised.value.message

    @pytest.mark.parametrize(
        ("message", "says"),
        [
            ({"payload": {"code": 100004, "title": "invalid_media", "detail": "4111-1111"}}, "100004"),
            ({"payload": {"title": "unknown_error"}}, "unnamed"),
            ({}, "unnamed"),
        ],
    )
    def test_an_error_that_telnyx_reports_is_one(self, message: dict[str, Any], says: str) -> None:
        with pytest.raises(MediaError) as raised:
            connected().decode(json.dumps({"event": "error", "stream_id": STREAM, **message}))
        assert says in raised.value.message
        assert "4111" not in raised.value.message

    def test_a_message_that_is_too_long_is_not_read(self) -> None:
        with pytest.raises(MediaError, match="65536 are taken"):
            connected().decode(b" " * (MAX_MESSAGE_BYTES + 1))

    @pytest.mark.parametrize(
        "sound",
        [
            {"encoding": "L16", "sample_rate": 16000, "channels": 1},
            {"encoding": "G722", "sample_rate": 8000, "channels": 1},
            {"encoding": "PCMU", "sample_rate": 16000, "channels": 1},
            {"encoding": "PCMU", "sample_rate": 8000, "channels": 2},
        ],
    )
    def test_sound_that_is_not_a_telephones_is_refused_with_the_codec_to_use(self, sound: dict[str, Any]) -> None:
        with pytest.raises(MediaError, match="PCMU or PCMA at 8000 Hz") as raised:
            TelnyxMediaCodec().decode(start(media_format=sound))
        assert "stream_codec" in (raised.value.next_step or "")

    def test_an_error_repeats_nothing_of_the_message(self) -> None:
        secret = "4111-1111"
        for message in (
            {"event": "media", "media": {"payload": secret}},
            {"event": "dtmf", "dtmf": {"digit": secret}},
            {"event": "start", "start": {"media_format": {secret: 5}}},
            secret,
        ):
            with pytest.raises(MediaError) as raised:
                connected().decode(json.dumps(message))
            assert secret not in raised.value.message

    @given(message=st.one_of(st.binary(max_size=300), st.text(max_size=300)))
    def test_noise_gives_an_error_or_nothing(self, message: str | bytes) -> None:
        try:
            assert connected().decode(message) is None
        except MediaError:
            return

    @given(
        at=st.integers(0, 400),
        noise=st.binary(min_size=1, max_size=20),
        dropped=st.integers(0, 20),
        message=st.sampled_from([media(FRAME, 1), start(), mark("a"), dtmf("1"), STOP]),
    )
    def test_a_damaged_message_gives_an_event_or_an_error(
        self, at: int, noise: bytes, dropped: int, message: bytes
    ) -> None:
        try:
            event = connected().decode(message[:at] + noise + message[at + dropped :])
        except MediaError:
            return
        assert event is None or isinstance(event, msgspec.Struct)
