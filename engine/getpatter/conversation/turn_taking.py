"""What is heard, told to the turn machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from getpatter.clock import Clock
from getpatter.conversation.actions import Action, Farewell
from getpatter.conversation.turns import TurnMachine
from getpatter.errors import PatterError
from getpatter.stt.base import Transcript

AGENT_ENDED = "the agent ended the call"


class TurnTaking:
    """An `Understanding`: each thing is told with its time, and what the machine decides is performed."""

    def __init__(
        self,
        machine: TurnMachine,
        clock: Clock,
        *,
        perform: Callable[[Sequence[Action]], None],
        over: Callable[[], str],
        deaf: Callable[[PatterError], None],
    ) -> None:
        """`over` gives what was heard of the agent's latest utterance."""
        self._machine = machine
        self._clock = clock
        self._perform = perform
        self._over = over
        self.deaf = deaf

    def voice_began(self, now: float) -> None:
        self._perform(self._machine.on_speech_started(now))

    def voice_ended(self, now: float, silence_s: float) -> None:
        self._perform(self._machine.on_speech_ended(now, silence_s))

    def understood(self, transcript: Transcript, now: float) -> None:
        if not transcript.final:
            self._perform(self._machine.on_interim(transcript.text, now, over=self._over()))
            return
        self._perform(
            self._machine.on_transcript(
                transcript.text,
                now,
                from_finalize=transcript.from_finalize,
                end_of_turn=transcript.end_of_turn,
                over=self._over(),
            )
        )

    def judged(self, complete: bool | None, now: float) -> None:
        self._perform(self._machine.on_turn_judged(complete, now))

    def engine_speaks(self) -> None:
        self._perform(self._machine.on_engine_speaks(self._clock.now()))

    def engine_stopped(self) -> None:
        self._perform(self._machine.on_engine_stopped(self._clock.now()))

    def engine_hung_up(self, reason: str) -> None:
        self._end(Farewell("engine", reason) if reason else Farewell("agent", AGENT_ENDED))

    def agent_ends(self, reason: str) -> None:
        """The agent has decided to end the call."""
        self._end(Farewell("agent", reason or AGENT_ENDED))

    def _end(self, farewell: Farewell) -> None:
        self._perform(self._machine.on_end_requested(farewell, self._clock.now()))
