"""One media stream: admission, messages, watchdog."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from getpatter.audio.dtmf import tones
from getpatter.audio.format import FRAME_BYTES
from getpatter.calls.session import IDLE_TIMEOUT_S, MAX_BROKEN, START_TIMEOUT_S, MediaStream
from getpatter.carriers.base import StreamStarted
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.errors import MediaError
from getpatter.testing.clock import ManualClock
from getpatter.testing.twilio_line import TwilioLineCodec


@dataclass
class Socket:
    sent: list[bytes] = field(default_factory=list)
    closed: int | None = None
    peer: str = "127.0.0.1:5060"

    def send(self, message: bytes) -> None:
        self.sent.append(message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = self.closed or code


@dataclass
class Somebody:
    """A call that writes down what its stream tells it."""

    stream: MediaStream | None = None
    audio: list[bytes] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def connected(self, stream: MediaStream) -> Callable[[bytes], None]:
        self.stream = stream
        return self.audio.append

    def mark_played(self, name: str) -> None:
        self.told.append(f"mark {name}")

    def dtmf(self, digit: str) -> None:
        self.told.append(f"dtmf {digit}")

    def broken_message(self, error: MediaError) -> None:
        self.told.append("broken")

    def hung_up(self) -> None:
        self.told.append("hung up")

    def lost(self, error: MediaError) -> None:
        self.told.append("lost")


class Line:
    """A stream whose call wants the token `right`."""

    def __init__(self, token: str = "right", codec: TwilioMediaCodec | None = None) -> None:
        self.clock = ManualClock()
        self.socket = Socket()
        self.call = Somebody()
        self.far_end = TwilioLineCodec("MZ1", "CA1", {"token": token}, "AC1")
        self.stream = MediaStream(codec or TwilioMediaCodec(), self.socket, self.admit, self.clock)

    def admit(self, started: StreamStarted) -> Somebody | None:
        return self.call if started.parameters.get("token") == "right" else None

    def start(self) -> Line:
        self.tell(self.far_end.connected(), self.far_end.start())
        return self

    def tell(self, *messages: str | bytes) -> None:
        for message in messages:
            self.stream.on_message(message if isinstance(message, bytes) else message.encode())


def test_a_stream_with_the_calls_token_is_the_calls() -> None:
    line = Line().start()
    assert line.call.stream is line.stream
    line.tell(line.far_end.media(b"\x55" * 160))
    assert line.call.audio == [b"\x55" * 160]


def test_a_stream_with_another_token_is_closed_before_anything_is_heard() -> None:
    line = Line(token="wrong").start()
    assert line.socket.closed == 1008
    line.tell(line.far_end.media(b"\x55" * 160))
    assert line.call.stream is None
    assert not line.call.audio


def test_a_socket_that_never_starts_is_closed() -> None:
    line = Line()
    line.clock.advance(START_TIMEOUT_S)
    assert line.socket.closed == 1008


def test_audio_before_the_start_is_nobodys() -> None:
    line = Line()
    line.tell(line.far_end.media(b"\x55" * 160))
    assert line.socket.closed == 1008


class SoundOnlyCodec(TwilioMediaCodec):
    """A carrier that has no messages for keys."""

    dtmf_events = False


@pytest.mark.parametrize(("codec", "keys"), [(SoundOnlyCodec, ["dtmf 1", "dtmf 2", "dtmf #"]), (TwilioMediaCodec, [])])
def test_keys_are_heard_in_the_sound_where_the_carrier_does_not_tell_them(
    codec: type[TwilioMediaCodec], keys: list[str]
) -> None:
    line = Line(codec=codec()).start()
    sound = tones("12#")
    frames = [sound[at : at + FRAME_BYTES] for at in range(0, len(sound), FRAME_BYTES)]
    line.tell(*map(line.far_end.media, frames))
    assert line.call.told == keys
    assert line.call.audio == frames


def test_what_the_conversation_plays_goes_out_in_the_carriers_words() -> None:
    line = Line().start()
    line.stream.play(b"\x55" * 160, 0.0)
    line.stream.mark("s1")
    line.stream.clear()
    events = [json.loads(message) for message in line.socket.sent]
    assert [event["event"] for event in events] == ["media", "mark", "clear"]
    assert events[0]["media"]["payload"] == b64encode(b"\x55" * 160).decode()


def test_keys_and_marks_reach_the_call() -> None:
    line = Line().start()
    line.stream.mark("s1")
    line.tell(line.far_end.mark("s1"), line.far_end.dtmf("5"))
    assert line.call.told == ["mark s1", "dtmf 5"]


def test_a_stream_that_stops_was_hung_up_and_not_lost() -> None:
    line = Line().start()
    line.tell(line.far_end.stop())
    line.stream.on_closed(1000)
    assert line.call.told == ["hung up"]


@pytest.mark.parametrize("code", [1000, 1001])
def test_a_socket_that_is_closed_in_order_is_all_the_goodbye_that_some_carriers_say(code: int) -> None:
    line = Line().start()
    line.stream.on_closed(code)
    assert line.call.told == ["hung up"]


def test_a_socket_that_drops_is_lost() -> None:
    line = Line().start()
    line.stream.on_closed(1006)
    assert line.call.told == ["lost"]


def test_a_stream_that_goes_silent_is_given_up() -> None:
    line = Line().start()
    line.tell(line.far_end.media(b"\x55" * 160))
    line.clock.advance(IDLE_TIMEOUT_S)
    assert line.call.told == []
    line.clock.advance(IDLE_TIMEOUT_S)
    assert line.call.told == ["lost"]
    assert line.socket.closed == 1001


def test_one_malformed_message_is_told_and_left_out() -> None:
    line = Line().start()
    line.tell(b"{not json", line.far_end.media(b"\x55" * 160))
    assert line.call.told == ["broken"]
    assert len(line.call.audio) == 1


def test_a_carrier_that_talks_nonsense_is_given_up() -> None:
    line = Line().start()
    line.tell(*[b"{not json"] * MAX_BROKEN)
    assert line.call.told == ["broken", "lost"]
    assert line.socket.closed == 1003


def test_a_second_start_is_malformed() -> None:
    line = Line().start()
    line.tell(line.far_end.start())
    assert line.call.told == ["broken"]


@pytest.mark.parametrize("code", [1000, 1006])
def test_a_stream_that_we_closed_tells_nothing_more(code: int) -> None:
    line = Line().start()
    line.stream.close()
    line.stream.on_closed(code)
    line.clock.advance(10 * IDLE_TIMEOUT_S)
    assert line.call.told == []
