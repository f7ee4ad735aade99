"""A line with a background, heard as a carrier plays it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from getpatter.audio import g711
from getpatter.audio.background import BackgroundAudio
from getpatter.audio.format import FRAME_BYTES, FRAME_S
from getpatter.conversation.ambience import LEAD_S, AmbientLine
from getpatter.conversation.pacer import Pacer
from getpatter.conversation.speaker import Speaker
from getpatter.testing.clock import ManualClock
from getpatter.testing.playout import PlayoutBuffer

VOICE = bytes([0x05]) * FRAME_BYTES
"""A loud frame."""


class Carrier:
    """Plays what it is sent, 20 ms at a time, and keeps when each run was said to play."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.buffer = PlayoutBuffer()
        self.runs: list[tuple[float, int]] = []
        self.heard: list[bytes] = []

    def play(self, audio: bytes, plays_at: float) -> None:
        self.buffer.play(audio)
        self.runs.append((plays_at, len(audio)))

    def mark(self, name: str) -> None:
        self.buffer.mark(name)

    def clear(self) -> None:
        self.buffer.clear()

    def passes(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME_S)):
            frame, _ = self.buffer.tick()
            self.heard.append(frame)
            self.clock.advance(FRAME_S)

    def sounds(self, frame: bytes) -> str:
        loudness = g711.rms(frame)
        return "voice" if loudness > 5000 else "room" if loudness else "nothing"

    def sequence(self) -> list[str]:
        """What was heard, each stretch once."""
        kinds = [self.sounds(frame) for frame in self.heard]
        return [kind for at, kind in enumerate(kinds) if not at or kinds[at - 1] != kind]


@pytest.fixture(scope="module")
def room() -> BackgroundAudio:
    return BackgroundAudio(volume_db=-10)


class Booth:
    def __init__(self, room: BackgroundAudio) -> None:
        self.clock = ManualClock()
        self.carrier = Carrier(self.clock)
        self.pacer = Pacer(self.clock)
        self.line = AmbientLine(self.carrier, room.open(), self.pacer, self.clock)
        self.finished: list[float] = []
        self.speaker = Speaker(
            self.line, self.pacer, self.clock, on_audible=lambda now: None, on_finished=self.finished.append
        )
        self.line.under(self.speaker.sending)

    def speak(self, seconds: float) -> None:
        self.speaker.begin()
        self.speaker.open("Something that is said.")
        self.speaker.add(VOICE * round(seconds / FRAME_S))
        self.speaker.close()
        self.speaker.finish()


@pytest.fixture
def booth(room: BackgroundAudio) -> Iterator[Booth]:
    booth = Booth(room)
    yield booth
    booth.line.close()
    booth.clock.advance(0.1)
    booth.pacer.close()


def test_the_room_is_heard_all_the_time_and_never_more_of_it_is_in_hand_than_its_lead(booth: Booth) -> None:
    for _ in range(100):
        assert booth.carrier.buffer.queued_bytes <= LEAD_S * 8000
        booth.carrier.passes(FRAME_S)
    assert booth.carrier.sequence() == ["room"]
    assert booth.carrier.buffer.underruns == 0


def test_speech_comes_out_of_the_room_whole_and_goes_back_into_it(booth: Booth) -> None:
    booth.carrier.passes(1)
    booth.speak(1)
    booth.carrier.passes(3)
    assert booth.carrier.sequence() == ["room", "voice", "room"]
    assert sum(booth.carrier.sounds(frame) == "voice" for frame in booth.carrier.heard) == 50


def test_speech_is_heard_at_most_the_lead_later_than_without_a_room(booth: Booth) -> None:
    booth.carrier.passes(1)
    booth.speak(1)
    booth.carrier.passes(1)
    began = next(at for at, frame in enumerate(booth.carrier.heard) if booth.carrier.sounds(frame) == "voice")
    assert (began - 50) * FRAME_S <= LEAD_S + 1e-9


def test_what_counts_as_heard_is_right_within_the_lead(booth: Booth) -> None:
    booth.carrier.passes(1)
    booth.speak(1)
    booth.carrier.passes(0.6)
    heard = booth.speaker.cut()
    voiced = sum(booth.carrier.sounds(frame) == "voice" for frame in booth.carrier.heard) * FRAME_S
    text = "Something that is said."
    fewest, most = (text[: int(len(text) * s)].rpartition(" ")[0] for s in (voiced, voiced + LEAD_S))
    assert fewest <= heard.text <= most


def test_the_room_goes_on_at_once_after_an_interruption(booth: Booth) -> None:
    booth.speak(2)
    booth.carrier.passes(1)
    booth.speaker.cut()
    booth.carrier.passes(1)
    assert booth.carrier.sequence() == ["room", "voice", "room"]


def test_a_voice_that_stalls_leaves_the_room_and_not_a_hole(booth: Booth) -> None:
    booth.speaker.begin()
    booth.speaker.open("In two parts.")
    booth.speaker.add(VOICE * 20)
    booth.carrier.passes(1)
    booth.speaker.add(VOICE * 20)
    booth.carrier.passes(1)
    assert booth.carrier.sequence() == ["room", "voice", "room", "voice", "room"]


def test_what_is_said_to_play_when_neither_overlaps_nor_leaves_a_gap(booth: Booth) -> None:
    booth.carrier.passes(0.5)
    booth.speak(0.5)
    booth.carrier.passes(1.5)
    for (at, size), (following, _) in zip(booth.carrier.runs, booth.carrier.runs[1:], strict=False):
        assert following == pytest.approx(at + size / 8000)


def test_a_closed_line_is_silent(booth: Booth) -> None:
    booth.line.close()
    booth.carrier.passes(0.1)
    sent = len(booth.carrier.runs)
    booth.carrier.passes(0.5)
    booth.line.clear()
    assert len(booth.carrier.runs) == sent
