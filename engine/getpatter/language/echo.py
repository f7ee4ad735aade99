"""The agent's own words coming back from a speaker-phone.

Where the telephone does not cancel its echo, the recogniser hears the agent and gives its words as the caller's.
They are known by the words themselves: what is heard, in order, is what the agent was just saying.  Recognisers get
echo wrong in places, and begin and end in mid-sentence.  Answers repeat the words of their question ("At seven or at
eight?"), so what begins at a question's end is the caller's.  Where it is uncertain it is taken for the caller: a
false stop of the agent can be mended, a caller who is not heard cannot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from rapidfuzz import fuzz

from getpatter.language.question import is_question
from getpatter.language.words import words

LATE_S = 1.5
"""An echo is heard within this time of the words: the line's round trip, up to 0.3 s, and the recogniser's delay."""
EARLY_S = 0.5
"""How much earlier than estimated a word may sound: words are spread evenly over their utterance."""
MIN_WORDS = 3
"""Fewer are no proof by themselves: a caller repeats a word or two to ask about them ("Tuesday?")."""
PROMPT_S = 0.4
"""Fewer are echo when the voice began this soon after them: a line's echo is that quick, and nobody who repeats a word
to ask about it is."""
ANSWER_EARLY_S = 0.3
"""How long before a question's end its answer may begin: people know by the melody that it ends."""
MAX_ERROR_RATE = 0.3
"""Words wrong, missing or too many, to words heard.  Gives three words no error and ten three."""
ALIKE = 72.0
"""Similarity of letters, in per cent, from which two words may be one recognised wrongly: "seven" and "heaven"."""
SHORT = 4
"""Words of so many letters must be the same: "no" is like "now", and "stop" like "shop"."""
MAX_WORDS = 300
"""The agent's latest words that are kept: two minutes."""


class _Spoken(NamedTuple):
    word: str
    at: float
    asked_by: float | None
    """When the question that it is a word of has ended."""


class EchoGuard:
    """One call's.  Times are seconds on any one clock."""

    def __init__(self) -> None:
        self._spoken: deque[_Spoken] = deque(maxlen=MAX_WORDS)

    def agent_said(self, text: str, from_s: float, to_s: float) -> None:
        """The agent's words sound from then to then; may be told before they do, and in order."""
        found = words(text)
        asked_by = to_s if is_question(text) else None
        step = (to_s - from_s) / max(1, len(found))
        self._spoken.extend(_Spoken(word, from_s + (index + 0.5) * step, asked_by) for index, word in enumerate(found))

    def agent_stopped(self, at_s: float) -> None:
        """What was to sound later never did."""
        while self._spoken and self._spoken[-1].at > at_s:
            self._spoken.pop()

    def is_echo(self, text: str, heard_from_s: float, heard_to_s: float) -> bool:
        """Whether all of a transcript of this time is the agent's words come back.

        Words of the caller's own before or after them make it the caller's.
        """
        heard = words(text)
        if not heard or self._answers(heard_from_s, heard_to_s):
            return False
        if len(heard) < MIN_WORDS:
            sounded = self._sounded(heard_from_s - PROMPT_S, heard_to_s)
            return _errors(heard, [spoken.word for spoken in sounded if spoken.asked_by is None]) == 0
        return self._is_own(heard, heard_from_s, heard_to_s)

    def may_become_echo(self, text: str, heard_from_s: float, heard_to_s: float) -> bool:
        """Whether an interim transcript is the agent's words so far, even if too few to be sure."""
        heard = words(text)
        if not heard or self._answers(heard_from_s, heard_to_s):
            return False
        return self._is_own(heard, heard_from_s, heard_to_s)

    def _answers(self, heard_from_s: float, heard_to_s: float) -> bool:
        """Whether the voice began at or after the end of a question that nothing followed."""
        last = next((spoken for spoken in reversed(self._spoken) if spoken.at <= heard_to_s), None)
        return last is not None and last.asked_by is not None and heard_from_s >= last.asked_by - ANSWER_EARLY_S

    def _is_own(self, heard: Sequence[str], heard_from_s: float, heard_to_s: float) -> bool:
        sounded = self._sounded(heard_from_s - LATE_S, heard_to_s + EARLY_S)
        return _errors(heard, [spoken.word for spoken in sounded]) <= MAX_ERROR_RATE * len(heard)

    def _sounded(self, from_s: float, to_s: float) -> list[_Spoken]:
        return [spoken for spoken in self._spoken if from_s <= spoken.at <= to_s]


def _errors(heard: Sequence[str], spoken: Sequence[str]) -> float:
    """Word errors of `heard` against that stretch of `spoken` which has the fewest (Sellers' algorithm).

    Infinite where the first or the last word has no like: what stands outside of the echo is the caller's.
    """
    row = [0.0] * (len(spoken) + 1)
    for index, word in enumerate(heard):
        wrong = inf if index in (0, len(heard) - 1) else 1.0
        above, row = row, [row[0] + wrong]
        for column, other in enumerate(spoken):
            replaced = above[column] + (0.0 if _alike(word, other) else wrong)
            row.append(min(replaced, above[column + 1] + wrong, row[column] + 1))
    return min(row)


def _alike(word: str, other: str) -> bool:
    return word == other or (min(len(word), len(other)) > SHORT and fuzz.ratio(word, other) >= ALIKE)
