"""Pipecat's serializers say to each carrier what our codecs say, and hear what they hear."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from getpatter.audio import g711
from getpatter.carriers.base import AudioReceived, DtmfReceived, MediaCodec
from getpatter.carriers.plivo.media import PlivoMediaCodec
from getpatter.carriers.telnyx.media import TelnyxMediaCodec
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.testing.line_codec import Clear, LineCodec, Play
from getpatter.testing.plivo_line import PlivoLineCodec
from getpatter.testing.telnyx_line import StreamOf, TelnyxLineCodec
from getpatter.testing.twilio_line import TwilioLineCodec

if TYPE_CHECKING:
    from tests.peers.conftest import Peer

STREAM = "MZ" + "1" * 32
CALL = "CA" + "2" * 32

Ends: TypeAlias = tuple[LineCodec, MediaCodec]
"""The carrier's end of a stream, and ours."""

ENDS: dict[str, Callable[[], Ends]] = {
    "twilio": lambda: (TwilioLineCodec(STREAM, CALL), TwilioMediaCodec()),
    "telnyx": lambda: (TelnyxLineCodec(STREAM, StreamOf(call_control_id=CALL)), TelnyxMediaCodec()),
    "plivo": lambda: (PlivoLineCodec(STREAM, CALL), PlivoMediaCodec()),
}
EVERY_CARRIER = pytest.mark.parametrize("carrier", ENDS)


def begun(carrier: str) -> Ends:
    line, codec = ENDS[carrier]()
    for message in line.open():
        codec.decode(message)
    return line, codec


def some_audio(count: int = 5) -> list[bytes]:
    """Frames of µ-law that say the same after a way through PCM: without the second of the two zeros."""
    noise = random.Random(1)
    audio = [noise.randbytes(160).replace(b"\x7f", b"\xff") for _ in range(count)]
    assert [g711.encode(g711.decode(frame)) for frame in audio] == audio
    return audio


def said_by_pipecat(pipecat: Peer, carrier: str, audio: list[bytes]) -> list[str]:
    messages: list[str] = pipecat.ask(
        "serialize", carrier=carrier, stream_id=STREAM, audio=[g711.decode(frame).hex() for frame in audio]
    )
    return messages


def heard_by_pipecat(pipecat: Peer, carrier: str, messages: list[bytes]) -> list[dict[str, str] | None]:
    heard: list[dict[str, str] | None] = pipecat.ask(
        "deserialize", carrier=carrier, stream_id=STREAM, messages=[message.decode() for message in messages]
    )
    return heard


def without_plivos_stream_id(message: dict[str, Any]) -> dict[str, Any]:
    """Plivo's page has none with `playAudio`; pipecat sends one."""
    return {key: value for key, value in message.items() if (message["event"], key) != ("playAudio", "streamId")}


@EVERY_CARRIER
def test_both_say_the_same_to_a_carrier(pipecat: Peer, carrier: str) -> None:
    _, codec = begun(carrier)
    audio = some_audio()
    ours = [json.loads(message) for message in [*map(codec.play, audio), codec.clear()]]
    theirs = [json.loads(message) for message in said_by_pipecat(pipecat, carrier, audio)]
    assert ours == [without_plivos_stream_id(message) for message in theirs]


@EVERY_CARRIER
def test_a_simulated_line_takes_what_pipecat_says(pipecat: Peer, carrier: str) -> None:
    line, _ = begun(carrier)
    audio = some_audio()
    taken = [line.decode(message) for message in said_by_pipecat(pipecat, carrier, audio)]
    assert taken == [*map(Play, audio), Clear()]


@EVERY_CARRIER
def test_both_hear_the_same_audio(pipecat: Peer, carrier: str) -> None:
    line, codec = begun(carrier)
    audio = some_audio()
    messages = [line.media(frame) for frame in audio]
    assert [codec.decode(message) for message in messages] == [AudioReceived(frame) for frame in audio]
    heard = heard_by_pipecat(pipecat, carrier, messages)
    assert heard == [{"audio": g711.decode(frame).hex()} for frame in audio]


@EVERY_CARRIER
def test_both_hear_the_same_keys(pipecat: Peer, carrier: str) -> None:
    line, codec = begun(carrier)
    keys = "0123456789*#"
    messages = [line.dtmf(key) for key in keys]
    assert [codec.decode(message) for message in messages] == [DtmfReceived(key) for key in keys]
    assert heard_by_pipecat(pipecat, carrier, messages) == [{"digit": key} for key in keys]


@EVERY_CARRIER
def test_pipecat_is_not_misled_by_what_else_a_line_says(pipecat: Peer, carrier: str) -> None:
    line, _ = begun(carrier)
    messages = [*line.open(), line.mark("greeting"), *line.cleared(["question"]), line.stop()]
    assert heard_by_pipecat(pipecat, carrier, messages) == [None] * len(messages)
