"""How much longer to wait when the words so far are unfinished.

Silence alone cuts off people who think, look something up, or read out a number.  The words say when to expect that:
rules on the end of what was said, by tables for each language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from getpatter.language.patience_words import NO_WORDS, PATIENCE_WORDS, PatienceWords
from getpatter.language.question import Answer, Asked, asked_for, digits_named, is_question
from getpatter.language.words import one_of, primary_language, words


@dataclass(frozen=True, slots=True, kw_only=True)
class PatienceSettings:
    """Seconds to wait beyond the ordinary silence."""

    hold_s: float = 6.0
    """"One moment": the caller is away from the conversation, and speaks again when they are back.  Shorter than the
    12 s after which the agent asks whether anybody is still there."""
    digits_s: float = 1.5
    """Numbers are read out in groups, with a look at the paper in between."""
    spelling_s: float = 1.5
    """Letters come one by one, with an example to think of for some."""
    filler_s: float = 1.2
    """Who says "um" has more to say and claims the time to find it."""
    clause_s: float = 1.0
    """A clause left open is mostly a search for one word."""
    comma_s: float = 0.5
    """Punctuation is the recogniser's guess, so the weakest sign."""


DEFAULT = PatienceSettings()

SPELT = 3
"""Single letters in a row that are spelling when nobody asked for it: "U S" and "a M" are two."""
READ_OUT = 3
"""Single digits in a row that are being read out when nobody asked for it: "at five thirty" is not."""

_PUNCTUATION = re.compile(r"[.,;:!?…]")
_VOWELS = "aeiouyàèé"
"""Letters that are words too: "I like pizza" spells nothing."""
_OPEN_PUNCTUATION = (",", "...", "…", "-", "–", "—", ":")


def extra_patience(text: str, language: str, asked: str = "", settings: PatienceSettings = DEFAULT) -> float:
    """Seconds to wait beyond the ordinary silence after `text`, the caller's turn so far; 0 where it may be complete.

    `asked` is what the agent said last.
    """
    said = _Said.of(text, asked, language)
    if _asks_to_wait(said):
        return settings.hold_s
    if not said.words or said.asks or _is_finished(said):
        return 0.0
    if (patience := _digits_patience(said, settings)) is not None:
        return patience
    if _spells(said):
        return settings.spelling_s
    if not said.closed:
        if said.patterns.filler.search(said.spoken):
            return settings.filler_s
        if said.patterns.open_end.search(said.spoken):
            return settings.clause_s
    return settings.comma_s if text.rstrip(" \"'").endswith(_OPEN_PUNCTUATION) else 0.0


def finished(text: str, language: str, asked: str = "") -> bool:
    """Whether `text` is a complete short answer, such as "yes", "no thanks", or "two" where that was the question."""
    return _is_finished(_Said.of(text, asked, language))


class _Patterns(NamedTuple):
    """What to look for in words joined by spaces."""

    hold: re.Pattern[str]
    short_hold: re.Pattern[str]
    filler: re.Pattern[str]
    open_end: re.Pattern[str]
    closed_end: re.Pattern[str]
    question: re.Pattern[str]
    number_follows: re.Pattern[str]
    finished: re.Pattern[str]
    example: re.Pattern[str]


class _Said(NamedTuple):
    """The caller's words and what they answer."""

    words: list[str]
    spoken: str
    clause: str
    """What came after the last punctuation."""
    asks: bool
    """A question's end is its end, whatever the last word."""
    asked: Asked | None
    named: int | None
    """Digits of the number that the words themselves name."""
    table: PatienceWords
    patterns: _Patterns

    @classmethod
    def of(cls, text: str, asked: str, language: str) -> _Said:
        primary = primary_language(language)
        clauses = [" ".join(found) for clause in _PUNCTUATION.split(text) if (found := words(clause))]
        return cls(
            words=(found := words(text)),
            spoken=" ".join(found),
            clause=clauses[-1] if clauses else "",
            asks=is_question(text),
            asked=asked_for(asked, language),
            named=digits_named(text, language),
            table=PATIENCE_WORDS.get(primary, NO_WORDS),
            patterns=_patterns(primary),
        )

    @property
    def closed(self) -> bool:
        """The end only looks open."""
        return bool(self.patterns.closed_end.search(self.spoken) or self.patterns.question.fullmatch(self.clause))

    @property
    def answer(self) -> Answer | None:
        return self.asked.answer if self.asked else None


def _asks_to_wait(said: _Said) -> bool:
    return bool(said.patterns.hold.search(said.spoken) or said.patterns.short_hold.fullmatch(said.clause))


def _is_finished(said: _Said) -> bool:
    if said.answer is Answer.QUANTITY and said.words:
        return _is_number(said.words[-1], said.table)
    return said.patterns.finished.fullmatch(said.spoken) is not None


# -- numbers


def _digits_patience(said: _Said, settings: PatienceSettings) -> float | None:
    """For a turn that ends in a number being read out, or announces one; None for others."""
    if said.patterns.number_follows.search(said.spoken):
        return settings.digits_s
    run = _number_at_end(said.words, said.table)
    if not run or not _is_read_out(said, run):
        return None
    count = sum(_digit_count(word, said.table) for word in run)
    return 0.0 if count in _complete_lengths(said) else settings.digits_s


def _is_read_out(said: _Said, run: list[str]) -> bool:
    if said.answer is Answer.DIGITS:
        return True
    before = " ".join(said.words[: -len(run)])
    if said.patterns.number_follows.search(before):
        return True
    groups = [word for word in run if len(word) >= READ_OUT and word.isdecimal()]
    singles = [word for word in run if _digit_count(word, said.table) == 1]
    return len(groups) >= 2 or len(singles) >= READ_OUT


def _complete_lengths(said: _Said) -> Iterable[int]:
    if said.answer is Answer.DIGITS and said.asked is not None:
        length = said.asked.digits
        if length is None:
            return ()
    else:
        length = said.named
    if length is None or length in said.table.phone_digits:
        return said.table.phone_digits  # with or without the prefix for calls from abroad
    return (length,)


def _number_at_end(found: list[str], table: PatienceWords) -> list[str]:
    start = len(found)
    while start and _is_number(found[start - 1], table):
        start -= 1
    return found[start:]


def _is_number(word: str, table: PatienceWords) -> bool:
    return word.isdecimal() or word in table.digits


def _digit_count(word: str, table: PatienceWords) -> int:
    return len(word) if word.isdecimal() else table.digits[word]


# -- letters


def _spells(said: _Said) -> bool:
    asked = said.answer is Answer.SPELLING
    example = said.patterns.example.search(said.spoken)
    if example and (asked or example[1] not in _VOWELS):
        return True
    letters = 0
    while letters < len(said.words) and _is_letter(said.words[-1 - letters]):
        letters += 1
    return letters >= (1 if asked else SPELT)


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


# -- tables to patterns


_NEVER = re.compile(r"(?!)")


@cache
def _patterns(language: str) -> _Patterns:
    table = PATIENCE_WORDS.get(language)
    if table is None:
        return _Patterns(*[_NEVER] * len(_Patterns._fields))
    finished = one_of(table.finished)
    before = one_of((*table.finished, *table.fillers))
    question = f"{one_of(table.question_starts)}.*{one_of(table.stranded)}" if table.stranded else "(?!)"
    return _Patterns(
        hold=re.compile(rf"{one_of(table.holds)}$|{one_of(table.searches)}(?: \S+){{0,6}}$"),
        short_hold=re.compile(f"(?:{before} )*{one_of(table.short_holds)}"),
        filler=_at_end(table.fillers),
        open_end=_at_end(table.open_ends),
        closed_end=_at_end(table.closed_ends),
        question=re.compile(question),
        number_follows=_at_end(table.number_follows),
        finished=re.compile(f"{finished}(?: {finished})*"),
        example=re.compile(rf"(?<!\S)([^\W\d_]) {one_of(table.spelling)}(?: \S+)?$"),
    )


def _at_end(phrases: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f"{one_of(phrases)}$")
