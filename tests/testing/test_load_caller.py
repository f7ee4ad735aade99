"""What a caller of a load test measures, in simulated time."""

from __future__ import annotations

import random

import pytest

from getpatter.audio.format import FRAME_S
from getpatter.carriers.base import AudioReceived, MarkPlayed, MediaEvent
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.testing.load_caller import ANSWER_TIMEOUT_S, LoadCaller
from getpatter.testing.twilio_line import TwilioLineCodec

WORDS = b"\x10" * 8000
"""One second, louder than any noise."""
ANSWER = b"\x20" * 16000


class Talk:
    """A caller, and the time that passes for it."""

    def __init__(self, interrupt_every: int = 0) -> None:
        line = TwilioLineCodec("MZ1", "CA1")
        self.caller = LoadCaller(line, [WORDS], random.Random(1), interrupt_every=interrupt_every)
        self.codec = TwilioMediaCodec()
        self.now = 100.0
        self.events: list[MediaEvent] = []
        self._take(self.caller.open(self.now))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME_S)):
            self.tick()

    def tick(self) -> None:
        self._take(self.caller.tick(self.now))
        self.now += FRAME_S

    def until_speech(self) -> None:
        """Until the first frame of the caller's words was sent."""
        while not self._speaks():
            self.tick()

    def until_said(self) -> None:
        self.until_speech()
        while self._speaks():
            self.tick()

    def _speaks(self) -> bool:
        audio = [event.payload for event in self.events if isinstance(event, AudioReceived)]
        return bool(audio) and audio[-1] == WORDS[:160]

    def answer(self, audio: bytes = ANSWER) -> None:
        self._take(self.caller.receive(self.codec.play(audio), self.now))

    def clear(self) -> None:
        self._take(self.caller.receive(self.codec.clear(), self.now))

    def _take(self, messages: list[bytes]) -> None:
        self.events += [event for message in messages if (event := self.codec.decode(message)) is not None]


def test_the_response_counts_from_the_last_words_to_the_first_audio() -> None:
    talk = Talk()
    talk.until_said()
    talk.run(0.3)
    talk.answer()
    [response] = talk.caller.take_tally().response_ms
    assert response == pytest.approx(320, abs=21)


def test_an_answer_that_does_not_come_is_missing_and_the_caller_goes_on() -> None:
    talk = Talk()
    talk.until_said()
    talk.run(ANSWER_TIMEOUT_S + 0.1)
    assert talk.caller.tally.missing_answers == 1
    talk.until_speech()
    assert talk.caller.tally.turns == 2


def test_an_interruption_counts_from_its_first_frame_to_the_clear() -> None:
    talk = Talk(interrupt_every=1)
    talk.until_said()
    talk.answer()
    talk.until_speech()
    talk.run(0.2)
    talk.clear()
    tally = talk.caller.take_tally()
    [clear] = tally.clear_ms
    assert clear == pytest.approx(220, abs=21)
    assert (tally.missing_clears, tally.turns) == (0, 2)


def test_an_interruption_without_a_clear_is_missing_one() -> None:
    talk = Talk(interrupt_every=1)
    talk.until_said()
    talk.answer()
    talk.until_said()
    assert talk.caller.tally.missing_clears == 1


def test_audio_after_a_clear_is_stray_until_the_caller_has_finished() -> None:
    talk = Talk(interrupt_every=1)
    talk.until_said()
    talk.answer()
    talk.until_speech()
    talk.clear()
    talk.answer(bytes(320))
    assert talk.caller.tally.stray_frames == 2
    talk.until_said()
    talk.run(0.1)
    talk.answer(bytes(320))
    assert talk.caller.tally.stray_frames == 2


def test_an_answer_during_the_callers_words_is_early_and_no_latency() -> None:
    talk = Talk()
    talk.until_speech()
    talk.answer()
    talk.until_said()
    tally = talk.caller.take_tally()
    assert (tally.early_answers, tally.response_ms) == (1, [])


def test_a_gap_in_the_answer_is_an_underrun() -> None:
    talk = Talk()
    talk.until_said()
    talk.answer(bytes(160))
    talk.run(0.06)
    talk.answer(bytes(160))
    assert talk.caller.take_tally().underruns == 1
    assert talk.caller.take_tally().underruns == 0


def test_marks_come_back_when_played() -> None:
    talk = Talk()
    talk.answer(bytes(320))
    talk.caller.receive(talk.codec.mark("m"), talk.now)
    talk.run(0.04)
    assert MarkPlayed("m") in talk.events


def test_a_message_that_breaks_the_protocol_is_counted() -> None:
    talk = Talk()
    assert talk.caller.receive(b"?", talk.now) == []
    assert talk.caller.tally.faults == 1
