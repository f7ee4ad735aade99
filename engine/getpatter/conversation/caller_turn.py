"""Endpointing: what the caller has said since the agent last began to answer, and whether they have finished."""

from __future__ import annotations

from collections.abc import Callable
from difflib import SequenceMatcher

from getpatter.agent import TurnSettings
from getpatter.events import TurnTrigger
from getpatter.language.words import words

ALIKE = 0.6
"""Share of words in common from which final words are those that were guessed: recognisers correct some of them."""

Patience = Callable[[str, str], float]
"""Seconds to wait beyond the ordinary silence after these words, said in answer to those of the agent."""


def no_patience(text: str, asked: str) -> float:
    return 0.0


class CallerTurn:
    """One turn at a time.  Pure: seconds on any clock."""

    def __init__(self, settings: TurnSettings, patience: Patience) -> None:
        self._settings = settings
        self._patience = patience
        self._words: list[str] = []
        self._interim = ""
        self._spoken_until: float | None = None
        self._paused_at = 0.0
        """When the pause was long enough to be one."""
        self._finished_by: TurnTrigger | None = None
        """Who has judged that the turn is complete."""
        self._unfinished = False
        """The turn detector hears that more is to come."""
        self._keys = ""
        self._pressed = False
        """Keys are a part of the turn."""
        self._replaced: list[str] = []
        """A guess that was taken for final; the final words may still come."""
        self.speaking = False
        self.finals_due = 0
        """Final transcripts that were asked for and have not come."""
        self.judging = False
        """The turn detector was asked and has not answered."""

    # -- the voice

    def voice_began(self) -> None:
        self.speaking = True
        self._unjudge()

    def voice_ended(self, at: float, now: float) -> None:
        """The last of it was heard at `at`, and it is certain now."""
        self.speaking = False
        self._spoken_until, self._paused_at = at, now

    def voice_dismissed(self) -> None:
        """It was no turn; words from before it still are one."""
        self.speaking = False
        if not self._words:
            self._spoken_until = None

    @property
    def paused(self) -> bool:
        """A voice was heard and has ended."""
        return self._spoken_until is not None and not self.speaking

    # -- the words

    @property
    def text(self) -> str:
        """The final words."""
        return " ".join(self._words)

    @property
    def guess(self) -> str:
        """All that the caller seems to have said, what is not final yet too."""
        return " ".join(filter(None, (*self._words, self._interim)))

    @property
    def guessing(self) -> bool:
        """There are words that are not final yet."""
        return bool(self._interim)

    @property
    def length(self) -> int:
        """Entries of final words so far, for `since` and `drop`."""
        return len(self._words)

    def since(self, length: int, *, interim: bool = False) -> str:
        """The words that came after there were `length` entries."""
        words = self._words[length:]
        return " ".join(filter(None, (*words, self._interim if interim else "")))

    def ask_for_final(self) -> None:
        """A final transcript was asked for."""
        self.finals_due += 1
        self._replaced = []

    def interim(self, text: str) -> bool:
        """What the caller seems to be saying; tells whether that is news."""
        text = text.strip()
        changed, self._interim = text != self._interim, text
        return changed and bool(text)

    def final(self, text: str, *, from_finalize: bool, end_of_turn: bool) -> None:
        self._interim = ""
        if from_finalize:
            self.finals_due = max(0, self.finals_due - 1)
        guess, self._replaced = self._replaced, []
        text = _beyond(guess, text) if guess else text.strip()
        if text:
            self._words.append(text)
        if end_of_turn:
            self.speaking = False
            self.finals_due = 0
            self._finished_by = "recogniser"

    def press(self, digit: str) -> None:
        """The caller pressed a key; more may follow."""
        self._keys += digit

    @property
    def pressing(self) -> bool:
        """Keys were pressed that are no part of the turn yet."""
        return bool(self._keys)

    def end_keys(self) -> None:
        """No more keys follow."""
        keys, self._keys = self._keys, ""
        if keys:
            self._words.append(f"[pressed {' '.join(keys)}]")
            self._pressed = True

    def give_up_on_finals(self) -> None:
        """They will not come: what the recogniser guessed last has to do."""
        if self._interim:
            self._words.append(self._interim)
            self._replaced = words(self._interim)
            self._interim = ""
        self.finals_due = 0

    def drop(self, length: int) -> None:
        """Forget the words that came after there were `length` entries."""
        del self._words[length:]
        self._interim = ""

    def take(self) -> str:
        """The whole turn; the next one begins."""
        text = self.text
        self.drop(0)
        self.speaking = self._pressed = False
        self._spoken_until = None
        self._unjudge()
        return text

    # -- the end

    def judged(self, complete: bool | None) -> None:
        """The turn detector's answer; None when it has none."""
        self.judging = False
        self._unfinished = complete is False
        if complete:
            self._finished_by = "turn_detector"

    @property
    def trigger(self) -> TurnTrigger:
        """What ended the turn."""
        return "keys" if self._pressed else self._finished_by or "silence"

    def due(self, now: float, asked: str) -> float:
        """When the caller who says nothing more has finished; not after `now` means that they have.

        `asked` is what the agent said last: "two" is a whole answer to "how many?" and the beginning of a number.
        """
        settings = self._settings
        if self._finished_by is not None or self._pressed or self._spoken_until is None:
            return now
        due = self._paused_at + (self._patience(self.text, asked) if settings.patience else 0.0)
        if self.judging or self._unfinished:
            due = max(due, self._spoken_until + settings.max_hold_s)
        return due

    def _unjudge(self) -> None:
        self._finished_by = None
        self._unfinished = self.judging = False


def _beyond(guess: list[str], text: str) -> str:
    """What `text`, the final words, says beyond the guess that stood in for them; all of it where it is about
    something else."""
    spoken = text.split()
    known = len(guess)
    if SequenceMatcher(None, guess, words(" ".join(spoken[:known]))).ratio() < ALIKE:
        return " ".join(spoken)
    return " ".join(spoken[known:])
