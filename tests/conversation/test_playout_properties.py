"""In whatever order an utterance is made, sent, paused and acknowledged, its words are told as they were heard."""

from __future__ import annotations

import random

from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from getpatter.audio.format import FRAME_BYTES, FRAME_S, LINE, SILENCE
from getpatter.conversation.playout import MARK_GRACE_S, MAX_MARK_LAG_S, Playout
from getpatter.conversation.segment import BYTES_PER_S

LEAD_S = 0.06
TEXTS = ("hm", "one two three", "Four, five and six.", "", "a rather long sentence of quite a few words")
MOST_AHEAD = int(LEAD_S * BYTES_PER_S) + FRAME_BYTES


class Carrier:
    """Plays what it was sent, and keeps the marks until somebody asks for them."""

    def __init__(self) -> None:
        self.queued = 0.0
        self.marks: list[str] = []

    def passes(self, seconds: float) -> None:
        self.queued = max(0.0, self.queued - seconds * LINE.bytes_per_second)


class Utterances(RuleBasedStateMachine):
    """One utterance after the other, each of them noise, so that every frame says where in it it belongs."""

    def __init__(self) -> None:
        super().__init__()
        self.noise = random.Random(0)
        self.playout = Playout(lead_s=LEAD_S)
        self.carrier = Carrier()
        self.now = 10.0
        self.returned: list[str] = []
        self.begin()

    def begin(self) -> None:
        self.playout.begin()
        self.text: list[str] = []
        self.starts: list[int] = []
        """Where the sentences begin in the audio."""
        self.audio = bytearray()
        self.position: int | None = 0
        """Where in the utterance the next frame belongs; None where a pause has left that open."""
        self.earliest = self.latest = 0
        """Between these it must be."""
        self.open = self.finished = False
        self.heard = ""

    # -- making

    @precondition(lambda self: not (self.open or self.finished))
    @rule(text=st.sampled_from(TEXTS))
    def a_sentence_begins(self, text: str) -> None:
        self.playout.open_segment(text)
        self.text.append(text)
        self.starts.append(len(self.audio))
        self.open, self.heard = True, ""  # how long it is can only be guessed while it is made

    @precondition(lambda self: self.open)
    @rule(size=st.sampled_from((1, 100, 160, 800, 4000, 16000)))
    def audio_comes(self, size: int) -> None:
        audio = self.noise.randbytes(size)
        self.audio += audio
        self.playout.add(audio)
        self.heard = ""

    @precondition(lambda self: self.open)
    @rule()
    def the_sentence_ends(self) -> None:
        self.playout.close_segment()
        self.open, self.heard = False, ""

    @precondition(lambda self: not (self.open or self.finished))
    @rule(text=st.sampled_from(TEXTS), size=st.integers(1, 20_000))
    def a_sentence_is_there_at_once(self, text: str, size: int) -> None:
        self.a_sentence_begins(text)
        self.audio_comes(size)
        self.the_sentence_ends()

    @precondition(lambda self: not (self.open or self.finished))
    @rule()
    def the_utterance_ends(self) -> None:
        self.playout.finish()
        self.finished = True

    # -- sending

    @rule(frames=st.integers(1, 100))
    def time_passes(self, frames: int) -> None:
        for _ in range(frames):
            self.now += FRAME_S
            self.carrier.passes(FRAME_S)
            self.send()

    @rule(seconds=st.sampled_from((0.005, 0.03, 0.3)))
    def the_clock_is_late(self, seconds: float) -> None:
        self.now += seconds
        self.carrier.passes(seconds)
        self.send()

    def send(self) -> None:
        burst = self.playout.take(self.now)
        assert len(burst.audio) % FRAME_BYTES == 0
        for at in range(0, len(burst.audio), FRAME_BYTES):
            self.follows(burst.audio[at : at + FRAME_BYTES])
        self.carrier.queued += len(burst.audio)
        assert self.carrier.queued <= MOST_AHEAD + FRAME_BYTES // 2, "a clear would leave too much to be said"
        self.carrier.marks += burst.marks

    def follows(self, frame: bytes) -> None:
        """It is the next one of the utterance, or the first after a pause, which may go back a little."""
        if self.position is None:
            self.position = self.audio.find(frame.rstrip(bytes([SILENCE])))
            assert self.earliest <= self.position <= self.latest, "nothing is left out, and no sentence said twice"
        expected = bytes(self.audio[self.position : self.position + FRAME_BYTES])
        if len(expected) < FRAME_BYTES:
            assert self.finished
            expected += bytes([SILENCE]) * (FRAME_BYTES - len(expected))
        assert frame == expected
        self.position += FRAME_BYTES

    # -- pausing

    @rule()
    def it_is_held(self) -> None:
        if self.playout.held:
            return
        heard = self.playout.heard(self.now)
        if self.carrier.queued or self.playout.waiting:
            self.latest = self.position if self.position is not None else self.latest
            self.position, self.earliest = None, self.unheard_from(heard.text)
        self.playout.hold(self.now)
        self.carrier.queued = 0.0
        assert self.playout.heard(self.now) == heard
        self.heard = ""

    def unheard_from(self, heard: str) -> int:
        """Where the sentence begins that was not heard to its end; a sound without words may be a part of it."""
        told = ""
        for text, start in zip(self.text, self.starts, strict=True):
            told = f"{told} {text}".strip()
            if not text or not heard.startswith(told):
                return start
        return self.starts[-1]

    @rule()
    def it_goes_on(self) -> None:
        self.playout.release(self.now)

    # -- marks

    @precondition(lambda self: self.carrier.marks)
    @rule(data=st.data())
    def a_mark_comes_back(self, data: st.DataObject) -> None:
        """In any order, and as late as the carrier likes."""
        self.returned.append(self.carrier.marks.pop(data.draw(st.integers(0, len(self.carrier.marks) - 1))))
        self.playout.mark_played(self.returned[-1], self.now)
        self.heard = ""  # a mark may correct the clock

    @rule(data=st.data())
    def a_mark_means_nothing(self, data: st.DataObject) -> None:
        before = self.playout.heard(self.now)
        self.playout.mark_played(data.draw(st.sampled_from(["unknown", *self.returned])), self.now)
        assert self.playout.heard(self.now) == before

    # -- the end

    @rule()
    def it_is_cut(self) -> None:
        heard = self.playout.heard(self.now)
        assert self.playout.clear(self.now) == heard
        self.carrier = Carrier()
        self.begin()

    @precondition(lambda self: self.finished)
    @rule()
    def without_another_mark_it_ends_all_the_same(self) -> None:
        self.playout.release(self.now)
        while self.playout.waiting:
            self.time_passes(1)
        if self.playout.first_sent_at is not None:
            played = self.now + self.carrier.queued / BYTES_PER_S
            assert self.playout.heard_by <= played + MAX_MARK_LAG_S + MARK_GRACE_S + FRAME_S
            self.now = max(self.now, self.playout.heard_by)
            self.carrier = Carrier()
        assert self.playout.heard_all(self.now)
        assert not self.playout.audible(self.now)
        assert self.playout.heard(self.now).text == self.whole
        self.begin()

    # -- what holds

    @property
    def whole(self) -> str:
        return " ".join(filter(None, self.text))

    @invariant()
    def every_word_was_heard_or_was_not(self) -> None:
        heard = self.playout.heard(self.now)
        assert " ".join(filter(None, (heard.text, heard.unheard))) == self.whole

    @invariant()
    def what_was_heard_stays_heard(self) -> None:
        heard = self.playout.heard(self.now).text
        assert heard.startswith(self.heard)
        self.heard = heard


Utterances.TestCase.settings = examples(max_examples=100, stateful_step_count=40)
TestUtterances = Utterances.TestCase
