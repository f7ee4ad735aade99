"""What parties do, as a function of what they hear and of time."""

from __future__ import annotations

import pytest

from getpatter.testing.parties import parse_party
from getpatter.testing.script import Action, Disconnect, PartyScript, PressKey, SoundBeep, Speak

TICK_S = 0.02


class Scene:
    """A script in simulated time; collects what it does as (time, action)."""

    def __init__(self, steps: str) -> None:
        text = f'number: "+12025550150"\nname: somebody\nsteps:\n{steps}'
        self.script = PartyScript(parse_party(text, source="test").steps)
        self.now = 0.0
        self.did: list[tuple[float, Action]] = []
        self.run(0.0)

    def run(self, seconds: float) -> None:
        """Let time pass, the last moment included."""
        ticks = round(seconds / TICK_S)
        start = self.now
        for tick in range(ticks + 1):
            self.now = start + tick * TICK_S
            self.did += [(self.now, action) for action in self.script.tick(self.now)]

    def sound_ends(self) -> None:
        self.script.on_sound_over()
        self.run(0.0)

    def agent_speaks(self, seconds: float) -> None:
        self.script.on_agent_started(self.now)
        self.run(seconds)
        self.script.on_agent_stopped(self.now)

    @property
    def actions(self) -> list[Action]:
        return [action for _, action in self.did]


def test_a_sentence_follows_another_when_that_one_is_over() -> None:
    scene = Scene("- say: one\n- say: two\n")
    scene.run(1.0)
    assert scene.actions == [Speak("one")]
    scene.sound_ends()
    assert scene.actions == [Speak("one"), Speak("two")]


def test_listening_ends_when_the_agent_was_quiet_long_enough() -> None:
    scene = Scene("- listen: 0.6\n- say: sure\n")
    scene.run(1.0)
    scene.agent_speaks(2.0)
    quiet_since = scene.now
    scene.run(1.0)
    [(at, action)] = scene.did
    assert action == Speak("sure")
    assert at - quiet_since == pytest.approx(0.6, abs=TICK_S)


def test_a_pause_within_the_agents_speech_does_not_end_listening() -> None:
    scene = Scene("- listen: 0.6\n- say: sure\n")
    for _ in range(3):
        scene.agent_speaks(1.0)
        scene.run(0.5)
    assert scene.actions == []


def test_what_the_agent_said_before_listening_began_does_not_count() -> None:
    scene = Scene("- say: one\n- listen: 0.6\n- say: two\n")
    scene.agent_speaks(1.0)
    scene.run(0.1)
    scene.sound_ends()
    scene.run(5.0)
    assert scene.actions == [Speak("one")]


def test_an_agent_that_began_over_our_words_and_goes_on_counts() -> None:
    scene = Scene("- say: one\n- listen: 0.6\n- say: two\n")
    scene.script.on_agent_started(scene.now)
    scene.run(0.5)
    scene.sound_ends()
    scene.run(0.5)
    scene.script.on_agent_stopped(scene.now)
    scene.run(0.6)
    assert scene.actions == [Speak("one"), Speak("two")]


def test_a_silent_agent_is_waited_for_no_longer_than_allowed() -> None:
    scene = Scene("- listen: 0.6\n  longest_s: 3\n  otherwise:\n  - say: hello?\n- say: next\n")
    scene.run(2.9)
    assert scene.actions == []
    scene.run(0.2)
    scene.sound_ends()
    assert scene.actions == [Speak("hello?"), Speak("next")]


def test_otherwise_is_not_said_to_an_agent_that_talks_without_end() -> None:
    scene = Scene("- listen: 0.6\n  longest_s: 3\n  otherwise:\n  - say: hello?\n- say: next\n")
    scene.script.on_agent_started(1.0)
    scene.run(3.1)
    assert scene.actions == [Speak("next")]


def test_an_interruption_comes_after_the_agent_has_spoken_a_while() -> None:
    scene = Scene("- interrupt: wait\n  after_s: 1.0\n")
    scene.run(2.0)
    scene.agent_speaks(0.8)
    scene.run(0.5)
    assert scene.actions == [], "too short to be interrupted"
    scene.script.on_agent_started(scene.now)
    began = scene.now
    scene.run(1.5)
    [(at, action)] = scene.did
    assert action == Speak("wait")
    assert at - began == pytest.approx(1.0, abs=TICK_S)


def test_an_interruption_is_given_up_when_the_agent_says_nothing() -> None:
    scene = Scene("- interrupt: wait\n  longest_s: 2\n- hang_up\n")
    scene.run(2.1)
    assert scene.actions == [Disconnect()]


def test_an_interruption_is_given_up_when_the_agent_finished_before_it() -> None:
    scene = Scene("- interrupt: wait\n  after_s: 1.0\n  quiet_s: 1.0\n- say: next\n")
    scene.agent_speaks(0.8)
    scene.run(1.1)
    assert scene.actions == [Speak("next")]


def test_murmurs_come_while_the_agent_speaks_and_end_with_it() -> None:
    scene = Scene("- murmur: mm-hm\n  every_s: 1.0\n  quiet_s: 0.5\n- say: I see\n")
    scene.script.on_agent_started(scene.now)
    scene.run(1.1)
    assert scene.actions == [Speak("mm-hm")]
    scene.sound_ends()
    scene.run(1.1)
    assert scene.actions == [Speak("mm-hm")] * 2
    scene.sound_ends()
    scene.script.on_agent_stopped(scene.now)
    scene.run(0.6)
    assert scene.actions == [Speak("mm-hm")] * 2 + [Speak("I see")]


def test_keys_are_pressed_one_after_the_other() -> None:
    scene = Scene('- press: "12#"\n  gap_s: 0.2\n')
    scene.run(1.0)
    assert scene.actions == [PressKey("1"), PressKey("2"), PressKey("#")]
    times = [at for at, _ in scene.did]
    assert times == pytest.approx([0.0, 0.2, 0.4], abs=2 * TICK_S)


def test_whoever_presses_when_asked_waits_until_the_carrier_speaks() -> None:
    scene = Scene('- press: "1"\n  once_asked: true\n')
    scene.agent_speaks(5.0)
    assert scene.actions == []
    scene.script.on_asked()
    scene.run(0.1)
    assert scene.actions == [PressKey("1")]


MENU = """
- say: press one or two two
- wait_for_digits:
    "1": [{say: first}]
    "22": [{say: second}]
  longest_s: 2
  otherwise: [{say: nothing}]
- hang_up
"""


@pytest.mark.parametrize(("keys", "answer"), [("1", "first"), ("22", "second"), ("91", "first"), ("", "nothing")])
def test_a_menu_takes_the_branch_that_the_keys_name(keys: str, answer: str) -> None:
    scene = Scene(MENU)
    scene.sound_ends()
    for key in keys:
        scene.run(0.1)
        scene.script.on_key(key)
    scene.run(2.1)
    scene.sound_ends()
    assert scene.actions == [Speak("press one or two two"), Speak(answer), Disconnect()]


def test_a_menu_takes_keys_pressed_while_it_speaks() -> None:
    scene = Scene(MENU)
    scene.script.on_key("1")
    scene.run(0.5)
    scene.sound_ends()
    assert scene.actions[-1] == Speak("first")


def test_steps_repeat() -> None:
    scene = Scene("- repeat: 2\n  steps:\n  - beep: 0.1\n  - pause: 1\n- hang_up\n")
    scene.sound_ends()
    scene.run(1.1)
    scene.sound_ends()
    scene.run(1.1)
    assert scene.actions == [SoundBeep(0.1), SoundBeep(0.1), Disconnect()]


def test_nothing_follows_a_hang_up() -> None:
    scene = Scene("- hang_up\n- say: too late\n")
    scene.run(1.0)
    assert scene.actions == [Disconnect()]


def test_a_party_without_further_steps_stays_silent() -> None:
    scene = Scene("- pause: 0\n")
    scene.run(1.0)
    assert scene.actions == []
    assert scene.script.finished
