from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from getpatter.audio import g711
from getpatter.conversation.machine_watch import WATCH_S, MachineWatch
from getpatter.stt.base import Transcript
from getpatter.testing.clock import ManualClock

BEEP = g711.encode((8000 * np.sin(2 * np.pi * 1000 * np.arange(3200) / 8000)).astype("<i2").tobytes())
SILENCE = b"\xff" * 1600
ASKS = Transcript("I cannot take your call. Please leave a message after the tone.", final=True)


class Somebody:
    """A line that a watch taps, and what it finds out there."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.found: list[str] = []
        self.greeted: list[float] = []
        self.listener: Callable[[bytes], None] | None = None
        self.watch = MachineWatch(self.clock, "en-US", self, start_s=0.0)

    def tap(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        self.listener = listener
        return self.untap

    def untap(self) -> None:
        self.listener = None

    def machine_found(self, reason: str) -> None:
        self.found.append(reason)

    def machine_greeted(self) -> None:
        self.greeted.append(self.clock.now())

    def says(self, text: str, seconds: float) -> None:
        self.watch.voice_began(self.clock.now())
        self.clock.advance(seconds)
        self.watch.voice_ended(self.clock.now(), 0.0)
        self.watch.understood(Transcript(text, final=True), self.clock.now())

    def sounds(self, audio: bytes) -> None:
        if self.listener is not None:
            self.listener(audio)
        self.clock.advance(len(audio) / 8000)


@pytest.fixture
def somebody() -> Iterator[Somebody]:
    somebody = Somebody()
    somebody.watch.start(somebody.tap)
    yield somebody
    somebody.watch.close()
    assert somebody.listener is None
    assert somebody.clock.next_timer is None, "a timer was left behind"


def test_a_machine_is_told_once_and_then_the_end_of_its_greeting(somebody: Somebody) -> None:
    somebody.says(ASKS.text, 6)
    assert somebody.found == ["it announces a tone"]
    assert somebody.greeted == []
    somebody.sounds(BEEP + SILENCE)
    somebody.clock.advance(1)
    assert len(somebody.found) == len(somebody.greeted) == 1


def test_a_tone_that_never_comes_is_waited_for_and_no_longer(somebody: Somebody) -> None:
    somebody.says(ASKS.text, 6)
    somebody.clock.advance(4.9)
    assert somebody.greeted == []
    somebody.clock.advance(0.2)
    assert somebody.greeted == [11.0]


def test_a_beep_after_words_is_a_machines(somebody: Somebody) -> None:
    somebody.says("You have reached Maria.", 2)
    somebody.sounds(BEEP + SILENCE)
    assert somebody.found == ["a beep"]


def test_a_person_is_left_alone_and_costs_no_more_listening(somebody: Somebody) -> None:
    somebody.says("Hello?", 0.6)
    somebody.clock.advance(1)
    assert somebody.listener is None
    somebody.says("Yes, what is it about?", 2)
    somebody.clock.advance(2 * WATCH_S)
    assert somebody.found == []


def test_a_likely_machine_is_not_told_because_it_may_be_a_person(somebody: Somebody) -> None:
    somebody.says("This is the voicemail of Maria.", 3)
    somebody.clock.advance(10)
    assert somebody.found == []
    assert somebody.greeted == []


def test_nobody_listens_for_ever(somebody: Somebody) -> None:
    somebody.clock.advance(WATCH_S + 1)
    assert somebody.listener is None
    somebody.watch.understood(ASKS, somebody.clock.now())
    assert somebody.found == []


def test_the_carriers_machine_is_not_told_again_but_the_end_of_its_greeting_is(somebody: Somebody) -> None:
    somebody.says("You have reached Maria.", 2)
    somebody.watch.told_machine(greeting_ended=False)
    somebody.sounds(BEEP + SILENCE)
    somebody.clock.advance(1)
    assert somebody.found == []
    assert len(somebody.greeted) == 1


def test_a_carrier_that_knows_the_end_of_the_greeting_leaves_nothing_to_do(somebody: Somebody) -> None:
    somebody.watch.told_machine(greeting_ended=True)
    somebody.says(ASKS.text, 6)
    somebody.clock.advance(10)
    assert somebody.found == []
    assert somebody.greeted == []
    assert somebody.listener is None


def test_the_carriers_human_ends_the_listening_for_beeps_and_not_that_for_words(somebody: Somebody) -> None:
    somebody.watch.told_human()
    assert somebody.listener is None
    somebody.says(ASKS.text, 3)
    assert somebody.found == ["it announces a tone"]
    somebody.clock.advance(10)
