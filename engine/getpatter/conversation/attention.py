"""What the conversation attends to, and when."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from getpatter.conversation.hearing import Understanding
from getpatter.conversation.machine_watch import MachineWatch
from getpatter.errors import PatterError
from getpatter.stt.base import Transcript


class Attention:
    """An `Understanding` that passes on what was heard, save while keys are pressed.

    Tones that stop in the middle are a wrong number, and those that are repeated are another: a telephone menu that
    talks on must not interrupt them.  What is heard meanwhile is told afterwards, with its own times.
    """

    def __init__(self, to: Understanding, watch: MachineWatch | None) -> None:
        self._to = to
        self._watch = watch
        self._put_off: list[Callable[[], None]] | None = None

    def turn_away(self) -> None:
        """What is heard from now on waits until `turn_back`."""
        self._put_off = []

    def turn_back(self) -> None:
        waiting, self._put_off = self._put_off or [], None
        for tell in waiting:
            tell()

    def voice_began(self, now: float) -> None:
        if self._watch is not None:
            self._watch.voice_began(now)
        self._tell(partial(self._to.voice_began, now))

    def voice_ended(self, now: float, silence_s: float) -> None:
        if self._watch is not None:
            self._watch.voice_ended(now, silence_s)
        self._tell(partial(self._to.voice_ended, now, silence_s))

    def understood(self, transcript: Transcript, now: float) -> None:
        if self._watch is not None:
            self._watch.understood(transcript, now)
        self._tell(partial(self._to.understood, transcript, now))

    def judged(self, complete: bool | None, now: float) -> None:
        self._to.judged(complete, now)

    def deaf(self, error: PatterError) -> None:
        self._to.deaf(error)

    def engine_speaks(self) -> None:
        self._tell(self._to.engine_speaks)

    def engine_stopped(self) -> None:
        self._tell(self._to.engine_stopped)

    def engine_hung_up(self, reason: str) -> None:
        self._tell(partial(self._to.engine_hung_up, reason))

    def _tell(self, tell: Callable[[], None]) -> None:
        if self._put_off is None:
            tell()
        else:
            self._put_off.append(tell)
