"""Final transcripts: those that an answer waits for, and those that it does not.  Pure."""

from __future__ import annotations

from getpatter.agent import TurnSettings
from getpatter.conversation.actions import Action, FinalizeTranscript, StartTimer
from getpatter.conversation.caller_turn import CallerTurn


class Finals:
    """One call's, of the words in `turn`.  They come in the order in which they were asked for."""

    def __init__(self, settings: TurnSettings, turn: CallerTurn) -> None:
        self._settings = settings
        self._turn = turn
        self._unprompted = False
        """The one that is due is one that the recogniser gives when it finds the turn complete."""
        self._unawaited = 0
        """Those of the caller's turn that its answer does not wait for."""
        self._late = 0
        """Those that have not come although the answer was begun."""

    @property
    def late(self) -> bool:
        """What comes next is of a turn that is being answered, or was."""
        return self._late > 0

    def ask(self, now: float) -> list[Action]:
        """For words that are waited for."""
        self._turn.ask_for_final()
        return self._finalize(now)

    def ask_unawaited(self) -> list[Action]:
        self._unawaited += 1
        return [FinalizeTranscript()]

    def expect(self, now: float) -> list[Action]:
        """One is waited for that comes without being asked for."""
        self._turn.ask_for_final()
        self._unprompted = True
        return [StartTimer("transcript", now + self._settings.recogniser_turn_s)]

    def overdue(self, now: float) -> list[Action]:
        """The one that is due has not come: asks for it, unless that was done."""
        return self._finalize(now) if self._unprompted else []  # it does not find the end; silence does

    def came(self) -> bool:
        """One that was asked for; tells whether it is of a turn that is being answered, or was."""
        if self._late:
            self._late -= 1
            return True
        self._unawaited = max(0, self._unawaited - 1)
        return False

    def answered(self) -> None:
        """An answer to the turn was begun: nothing is waited for."""
        self._turn.finals_due = 0
        self._late, self._unawaited = self._late + self._unawaited, 0

    def _finalize(self, now: float) -> list[Action]:
        self._unprompted = False
        return [StartTimer("transcript", now + self._settings.stt_timeout_s), FinalizeTranscript()]
