"""Detection of answering machines on a simulated line: whoever answers is known, so only the moments are found."""

from __future__ import annotations

from collections.abc import Callable

from getpatter.testing.far_end import FarEnd
from getpatter.testing.happenings import GreetingEnded, Happening, Recognised, Verdict
from getpatter.testing.parties import Beep, walk


class Detection:
    """Tells who answered when their first words are over, and of a machine when its greeting is.

    A beep that is the first sound says both at once, as with Telnyx.
    """

    def __init__(self, far_end: FarEnd, verdict: Verdict, tell: Callable[[Happening], None]) -> None:
        self.verdict: Verdict | None = None
        """What was detected so far."""
        self._far_end = far_end
        self._will_be = verdict
        self._tell = tell
        self._greeting_told = False
        self._beeps = any(isinstance(step, Beep) for step in walk(far_end.party.steps))
        far_end.on_sound_over = self._on_sound_over

    @property
    def is_over(self) -> bool:
        """Nothing more is going to be told."""
        return self._greeting_told if self.verdict == "machine" else self.verdict is not None

    def give_up(self) -> None:
        """The time for it is over."""
        self._recognise("unknown")

    def _on_sound_over(self) -> None:
        machine_is_done = self._will_be == "machine" and self._far_end.greeting_over
        if machine_is_done and self._beeps and self.verdict is None:
            self.verdict = self._will_be
        self._recognise(self._will_be)
        if self.verdict == "machine" and machine_is_done and not self._greeting_told:
            self._greeting_told = True
            self._tell(GreetingEnded(self._beeps))

    def _recognise(self, verdict: Verdict) -> None:
        if self.verdict is None:
            self.verdict = verdict
            self._tell(Recognised(verdict))
