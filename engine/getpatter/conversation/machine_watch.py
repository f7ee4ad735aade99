"""Listening who or what took an outbound call, beside the conversation and without holding it up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from getpatter.audio.beep import BeepDetector
from getpatter.clock import Clock, TimerHandle
from getpatter.conversation.answering import AnsweringDetector, AnsweringSettings
from getpatter.stt.base import Transcript

WATCH_S = 45.0
"""Whoever has not shown to be a machine by then is none."""

Tap = Callable[[Callable[[bytes], None]], Callable[[], None]]
"""Lets a listener take the line's audio until what this gives is called."""


class MachineMet(Protocol):
    """Told of an answering machine."""

    def machine_found(self, reason: str) -> None:
        """Something only a machine says or sounds was heard."""

    def machine_greeted(self) -> None:
        """Its greeting has ended: what is said now is recorded."""


class MachineWatch:
    """One call's.  `start` it when the line opens.

    Only what makes a machine certain is told: words such as "after the tone", or a beep.  Likelihoods are not, because
    a person who is taken for a machine gets no answer, and a machine that is taken for a person costs a few words.
    For the same reason a carrier's `human` does not end the watch: carriers go by the length of the greeting, and
    machines with short ones are what they get wrong; it does end the listening for beeps, which proves less than words.
    """

    def __init__(self, clock: Clock, language: str, met: MachineMet, *, start_s: float) -> None:
        """`start_s` is how long a voice has lasted when it is told to have begun."""
        self._clock = clock
        self._met = met
        self._start_s = start_s
        self._detector = AnsweringDetector(AnsweringSettings(language=language))
        self._beeps = BeepDetector()
        self._found = False
        self._over = False
        self._untap: Callable[[], None] | None = None
        self._timer: TimerHandle | None = None
        self._gives_up_at = 0.0

    def start(self, tap: Tap) -> None:
        """The line is open."""
        self._gives_up_at = self._clock.now() + WATCH_S
        if not self._over:
            self._untap = tap(self._hear)
            self._weigh()

    def close(self) -> None:
        """Listen no more.  May be called twice."""
        self._over = True
        self._stop_hearing()
        if self._timer is not None:
            self._timer.cancel()

    # -- what is heard

    def voice_began(self, now: float) -> None:
        if not self._over:
            self._detector.speech_started(now - self._start_s)
            self._weigh()

    def voice_ended(self, now: float, silence_s: float) -> None:
        if not self._over:
            self._detector.speech_ended(now - silence_s)
            self._weigh()

    def understood(self, transcript: Transcript, now: float) -> None:
        if not self._over:
            self._detector.transcript(transcript.text, now, transcript.final)
            self._weigh()

    def _hear(self, audio: bytes) -> None:
        if self._beeps.feed(audio):
            self._detector.beep(self._clock.now())
            self._weigh()

    # -- what the carrier says

    def told_human(self) -> None:
        self._stop_hearing()

    def told_machine(self, *, greeting_ended: bool) -> None:
        """It is not told again; the end of its greeting is, unless the carrier knows that, too."""
        self._found = True
        self._detector.told_machine()
        if greeting_ended:
            self.close()
        elif not self._over:
            self._weigh()

    # -- what follows

    def _weigh(self) -> None:
        now = self._clock.now()
        if self._detector.certain and not self._found:
            self._found = True
            self._met.machine_found(self._detector.answer.reason)
        if self._found and self._detector.greeting_ended(now):
            self.close()
            self._met.machine_greeted()
            return
        if self._detector.answer.party == "human" or (not self._found and now >= self._gives_up_at):
            self._stop_hearing()
        if not self._found and now >= self._gives_up_at:
            self.close()
        if not self._over:
            self._wait()

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._detector.due
        if not self._found:
            due = self._gives_up_at if due is None or due <= self._clock.now() else min(due, self._gives_up_at)
        if due is not None:
            self._timer = self._clock.call_at(due, self._time)

    def _time(self) -> None:
        self._detector.silence(self._clock.now())
        self._weigh()

    def _stop_hearing(self) -> None:
        if self._untap is not None:
            self._untap()
            self._untap = None
