"""What a party does on the line: its steps as a state machine, without sound, clock or socket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from getpatter.testing.parties import (
    Beep,
    HangUp,
    Interrupt,
    Listen,
    Murmur,
    Pause,
    Play,
    Press,
    Repeat,
    Say,
    Step,
    WaitForDigits,
)


@dataclass(frozen=True, slots=True)
class Speak:
    text: str


@dataclass(frozen=True, slots=True)
class PlayRecording:
    path: Path


@dataclass(frozen=True, slots=True)
class SoundBeep:
    duration_s: float


@dataclass(frozen=True, slots=True)
class PressKey:
    digit: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    pass


Sound = Speak | PlayRecording | SoundBeep
Action = Sound | PressKey | Disconnect

_Course = Iterator[None]
"""A step under way: each `next` is a moment in which it still waits."""


class PartyScript:
    """Goes through a party's steps.  Tell it what is heard, then ask `tick` what to do; times are seconds of one clock.

    After a `Speak`, `PlayRecording` or `SoundBeep` it waits for `on_sound_over`.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._course = self._go_through(steps)
        self._now = 0.0
        self._actions: list[Action] = []
        self._sounding = False
        self._agent_began: float | None = None
        self._agent_ended: float | None = None
        self._keys = ""
        self._is_asked = False
        self.finished = False
        """No step is left: the party is silent until somebody hangs up."""

    def on_agent_started(self, at: float) -> None:
        """The agent began to speak at `at`."""
        self._agent_began, self._agent_ended = at, None

    def on_agent_stopped(self, at: float) -> None:
        """The agent's speech ended at `at`."""
        self._agent_ended = at

    def on_key(self, digit: str) -> None:
        """The agent pressed a key; kept until a step asks for it, as a real menu takes type-ahead."""
        self._keys += digit

    def on_asked(self) -> None:
        """The carrier's own voice began to speak."""
        self._is_asked = True

    def on_sound_over(self) -> None:
        """The last sound asked for was played to its end."""
        self._sounding = False

    def tick(self, now: float) -> list[Action]:
        """What the party does at `now`; call it at least every 20 ms."""
        self._now, self._actions = now, []
        if not self.finished:
            try:
                next(self._course)
            except StopIteration:
                self.finished = True
        return self._actions

    def _go_through(self, steps: Sequence[Step]) -> _Course:
        for step in steps:
            yield from self._take(step)

    def _take(self, step: Step) -> _Course:
        match step:
            case Say():
                return self._sound(Speak(step.text))
            case Play():
                return self._sound(PlayRecording(step.path))
            case Beep():
                return self._sound(SoundBeep(step.duration_s))
            case Pause():
                return self._wait(step.duration_s)
            case Listen():
                return self._listen(step)
            case Murmur():
                return self._murmur(step)
            case Interrupt():
                return self._interrupt(step)
            case Press():
                return self._press(step)
            case WaitForDigits():
                return self._wait_for_digits(step)
            case Repeat():
                return self._go_through(step.steps * step.times)
            case HangUp():
                return self._hang_up()

    def _sound(self, sound: Sound) -> _Course:
        self._actions.append(sound)
        self._sounding = True
        while self._sounding:
            yield

    def _wait(self, seconds: float) -> _Course:
        until = self._now + seconds
        while self._now < until:
            yield

    def _listen(self, step: Listen) -> _Course:
        began = self._now
        while not self._agent_has_finished(since=began, quiet_s=step.quiet_s):
            if self._now - began >= step.longest_s:
                if not self._agent_was_heard(since=began):
                    yield from self._go_through(step.otherwise)
                return
            yield

    def _murmur(self, step: Murmur) -> _Course:
        began, last = self._now, self._now
        while not self._agent_has_finished(since=began, quiet_s=step.quiet_s) and self._now - began < step.longest_s:
            if self._agent_spoke_for(step.every_s, since=last):
                yield from self._sound(Speak(step.text))
                last = self._now
            else:
                yield

    def _interrupt(self, step: Interrupt) -> _Course:
        began = self._now
        while not self._agent_spoke_for(step.after_s):
            if self._agent_has_finished(since=began, quiet_s=step.quiet_s) or self._now - began >= step.longest_s:
                return
            yield
        yield from self._sound(Speak(step.text))

    def _press(self, step: Press) -> _Course:
        while step.once_asked and not self._is_asked:
            yield
        for digit in step.digits:
            self._actions.append(PressKey(digit))
            yield from self._wait(step.gap_s)

    def _wait_for_digits(self, step: WaitForDigits) -> _Course:
        began = self._now
        while (branch := self._chosen(step)) is None and self._now - began < step.longest_s:
            yield
        yield from self._go_through(step.otherwise if branch is None else branch)

    def _chosen(self, step: WaitForDigits) -> tuple[Step, ...] | None:
        """The branch whose digits were pressed; keys that lead to none are forgotten."""
        while self._keys:
            for digits, branch in step.branches.items():
                if self._keys.startswith(digits):
                    self._keys = self._keys[len(digits) :]
                    return branch
            if any(digits.startswith(self._keys) for digits in step.branches):
                return None
            self._keys = self._keys[1:]
        return None

    def _hang_up(self) -> _Course:
        self._actions.append(Disconnect())
        # Nothing may follow a hang-up, whatever steps were written after it.
        while True:
            yield

    def _agent_was_heard(self, since: float) -> bool:
        return self._agent_began is not None and (self._agent_ended is None or self._agent_ended > since)

    def _agent_has_finished(self, since: float, quiet_s: float) -> bool:
        ended = self._agent_ended
        return ended is not None and ended > since and self._now - ended >= quiet_s

    def _agent_spoke_for(self, seconds: float, since: float = float("-inf")) -> bool:
        """The agent speaks now and has done so for `seconds`, of which only those after `since` count."""
        if self._agent_began is None or self._agent_ended is not None:
            return False
        return self._now - max(self._agent_began, since) >= seconds
