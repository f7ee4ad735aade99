"""Parties in simulated time, heard and hearing with the real voice activity detection."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from getpatter.audio.dtmf import tones
from getpatter.audio.format import FRAME_S, LINE
from getpatter.carriers.base import AudioReceived, DtmfReceived, MarkPlayed, MediaEvent, StreamStarted, StreamStopped
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.testing.far_end import FarEnd, Listener
from getpatter.testing.parties import Directory, Party, parse_party
from getpatter.testing.speech import prepare
from getpatter.testing.twilio_line import TwilioLineCodec


class SimulatedCall:
    """A far end and the agent's codec, message by message and frame by frame."""

    def __init__(self, far_end: FarEnd) -> None:
        self.far_end = far_end
        self.codec = TwilioMediaCodec()
        self.events: list[MediaEvent] = []
        self.now = 0.0
        self._take(far_end.open())

    def run(self, seconds: float) -> None:
        self.run_until(lambda: False, at_most=seconds)

    def run_until(self, condition: Callable[[], bool], at_most: float = 30.0) -> None:
        end = self.now + at_most
        while self.now < end - 1e-9 and not condition() and not self.far_end.hung_up:
            self._take(self.far_end.tick(self.now))
            self.now += FRAME_S

    def say(self, ulaw: bytes) -> None:
        self._take(self.far_end.receive(self.codec.play(ulaw)))

    def mark(self, name: str) -> None:
        self._take(self.far_end.receive(self.codec.mark(name)))

    def clear(self) -> None:
        self._take(self.far_end.receive(self.codec.clear()))

    def converse(self, ulaw: bytes, at_most: float = 90.0) -> None:
        """Answer each of the party's sentences half a second after its end, until it hangs up."""
        end = self.now + at_most
        while not self.far_end.hung_up and self.now < end:
            known = len(self.far_end.spoken)
            self.run_until(lambda: len(self.far_end.spoken) > known, at_most=10)  # noqa: B023  # used at once
            self.run_until(lambda: not self.far_end.speaking)
            self.run(0.5)
            self.say(ulaw)

    @property
    def marks(self) -> list[str]:
        return [event.name for event in self.events if isinstance(event, MarkPlayed)]

    @property
    def audio(self) -> bytes:
        return b"".join(event.payload for event in self.events if isinstance(event, AudioReceived))

    def _take(self, messages: list[bytes]) -> None:
        self.events += [event for message in messages if (event := self.codec.decode(message)) is not None]


async def answer(party: Party, listener: Listener) -> SimulatedCall:
    codec = TwilioLineCodec("MZ1", "CA1", {"token": "t"})
    return SimulatedCall(FarEnd(party, await prepare(party), codec, listener))


def party(steps: str, *, answers: str = "person") -> Party:
    head = f'number: "+12025550150"\nname: Sam\nanswers: {answers}\nsteps:\n'
    return parse_party(head + steps, source="test")


SILENT = party("- pause: 1000\n")
HELLO = "Hello, this is Sam."


async def test_the_stream_begins_with_its_parameters_and_a_frame_follows_every_20_ms(listener: Listener) -> None:
    call = await answer(SILENT, listener)
    call.run(1.0)
    assert call.events[0] == StreamStarted("MZ1", "CA1", {"token": "t"})
    assert {len(event.payload) for event in call.events if isinstance(event, AudioReceived)} == {160}
    assert len(call.audio) == LINE.rate


async def test_the_stream_ends_with_a_stop(listener: Listener) -> None:
    call = await answer(SILENT, listener)
    [stop] = call.far_end.stop()
    assert call.codec.decode(stop) == StreamStopped()


async def test_the_party_is_heard_and_what_was_heard_and_said_is_kept_in_step(
    listener: Listener, agent_speech: bytes
) -> None:
    call = await answer(party(f"- say: {HELLO}\n- pause: 9\n"), listener)
    call.run(1.0)
    call.say(agent_speech)
    call.run(4.0)
    assert call.far_end.spoken == [HELLO]
    assert bytes(call.far_end.said) == call.audio
    assert len(call.far_end.heard) == len(call.far_end.said)
    assert bytes(call.far_end.heard[LINE.rate :]).startswith(agent_speech)


async def test_marks_return_when_played_and_at_once_when_cleared(listener: Listener, agent_speech: bytes) -> None:
    call = await answer(SILENT, listener)
    call.run(0.1)
    call.say(agent_speech)
    call.mark("played")
    call.run(len(agent_speech) / LINE.rate - 0.1)
    assert call.marks == []
    call.run(0.2)
    assert call.marks == ["played"]
    call.say(agent_speech)
    call.mark("cleared")
    call.clear()
    assert call.far_end.marks_returned == 2
    assert call.far_end.clears == 1


async def test_the_party_waits_for_the_agent_to_finish(listener: Listener, agent_speech: bytes) -> None:
    call = await answer(party(f"- listen: 0.6\n- say: {HELLO}\n"), listener)
    call.run(1.0)
    call.say(agent_speech)
    spoken_for = len(agent_speech) / LINE.rate
    call.run(spoken_for + 0.4)
    assert call.far_end.spoken == []
    call.run(0.6)
    assert call.far_end.spoken == [HELLO]


async def test_audio_that_is_sent_ahead_is_heard_when_it_is_played(listener: Listener, agent_speech: bytes) -> None:
    call = await answer(party("- listen: 0.6\n- hang_up\n"), listener)
    call.say(agent_speech * 3)
    call.run_until(lambda: False)
    assert call.now > 3 * len(agent_speech) / LINE.rate


async def test_the_interrupter_speaks_while_the_agent_does(listener: Listener, agent_speech: bytes) -> None:
    call = await answer(Directory.load().find("+12025550105"), listener)
    call.run(2.5)
    began = call.now
    call.say(agent_speech * 2)
    call.run_until(lambda: len(call.far_end.spoken) == 2, at_most=5)
    assert call.far_end.spoken[-1] == "Sorry, who is this?"
    assert call.now - began == pytest.approx(1.1, abs=0.3)
    assert call.far_end.playout.queued_bytes > 0


async def test_the_agreeing_party_murmurs_and_does_not_take_the_turn(listener: Listener, agent_speech: bytes) -> None:
    call = await answer(Directory.load().find("+12025550106"), listener)
    call.run(1.5)
    call.say(agent_speech * 2)
    call.run(2 * len(agent_speech) / LINE.rate)
    assert call.far_end.spoken[:3] == ["Hello?", "Mm-hm.", "Mm-hm."]


async def test_audio_that_comes_after_a_clear_is_stray_while_the_party_speaks(
    listener: Listener, agent_speech: bytes
) -> None:
    call = await answer(party(f"- interrupt: {HELLO}\n  after_s: 0.3\n- pause: 100\n"), listener)
    call.say(agent_speech * 2)
    call.run_until(lambda: call.far_end.speaking)
    call.clear()
    call.say(bytes(161))
    assert call.far_end.stray_frames == 2
    call.run_until(lambda: not call.far_end.speaking)
    call.say(bytes(160))
    assert call.far_end.stray_frames == 2


async def test_keys_reach_the_stream_and_the_menu(listener: Listener) -> None:
    call = await answer(party('- press: "4#"\n- pause: 9\n'), listener)
    call.run(1.0)
    assert [event.digit for event in call.events if isinstance(event, DtmfReceived)] == ["4", "#"]
    menu = await answer(Directory.load().find("+12025550104"), listener)
    menu.run(6.0)
    menu.far_end.press("2")
    menu.run(10.0)
    assert menu.far_end.spoken[-1] == "Your book is renewed for two weeks. Goodbye."
    assert menu.far_end.hung_up


async def test_a_menu_that_nobody_uses_says_goodbye(listener: Listener) -> None:
    menu = await answer(Directory.load().find("+12025550104"), listener)
    menu.run(60.0)
    assert menu.far_end.spoken.count("For opening hours, press one. To renew a book, press two.") == 3
    assert menu.far_end.spoken[-1] == "I did not receive your choice. Goodbye."
    assert menu.far_end.hung_up


async def test_the_restaurant_takes_a_reservation(listener: Listener, agent_speech: bytes) -> None:
    call = await answer(Directory.load().find("+12025550100"), listener)
    call.converse(agent_speech)
    assert [sentence.split()[0] for sentence in call.far_end.spoken] == ["Hello,", "Of", "And", "May", "Thank", "You"]
    assert call.far_end.hung_up


async def test_the_caller_speaks_after_the_greeting(listener: Listener, agent_speech: bytes) -> None:
    call = await answer(Directory.load().find("+12025550107"), listener)
    call.run(0.5)
    assert call.far_end.spoken == []
    call.say(agent_speech)
    call.converse(agent_speech)
    assert len(call.far_end.spoken) == 3
    assert call.far_end.hung_up


async def test_voicemail_is_ready_after_the_beep_and_hangs_up_after_the_message(
    listener: Listener, agent_speech: bytes
) -> None:
    call = await answer(Directory.load().find("+12025550103"), listener)
    call.run_until(lambda: bool(call.far_end.spoken) and not call.far_end.speaking)
    assert not call.far_end.greeting_over, "the beep is still to come"
    call.run_until(lambda: call.far_end.greeting_over)
    call.say(agent_speech)
    left_at = call.now
    call.run_until(lambda: False)
    assert call.far_end.hung_up
    assert call.now - left_at == pytest.approx(len(agent_speech) / LINE.rate + 2.0, abs=0.4)


async def test_a_person_is_known_as_one_after_the_first_words(listener: Listener) -> None:
    call = await answer(party(f"- say: {HELLO}\n- pause: 9\n"), listener)
    call.run(0.5)
    assert not call.far_end.greeting_over
    call.run(2.0)
    assert call.far_end.greeting_over


@pytest.mark.parametrize("message", ["", "{", '{"event":"dance"}', '{"event":"clear","streamSid":"MZ2"}', b"\xff\xfe"])
async def test_a_message_that_breaks_the_protocol_is_noted_and_passed_over(
    listener: Listener, message: str | bytes
) -> None:
    call = await answer(SILENT, listener)
    assert call.far_end.receive(message) == []
    assert len(call.far_end.faults) == 1
    call.run(0.1)
    assert len(call.audio) == 800


async def test_keys_are_heard_in_the_agents_sound(listener: Listener) -> None:
    call = await answer(party("- wait_for_digits:\n    '12': [hang_up]\n  longest_s: 20\n"), listener)
    call.run(0.1)
    call.say(tones("12"))
    call.run(1.0)
    assert call.far_end.hung_up


async def test_whoever_waits_for_no_keys_hears_none(listener: Listener) -> None:
    call = await answer(SILENT, listener)
    call.say(tones("12"))
    call.run(1.0)
    assert not call.far_end.hung_up
