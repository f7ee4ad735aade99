"""Sentences out of a stream of text, for a voice that speaks one while the model writes the next."""

from __future__ import annotations

import re
import unicodedata

MIN_LENGTH = 12
"""Shorter sentences ("Yes.") are spoken together with the next: alone they sound clipped."""
MAX_LENGTH = 240
"""Longer sentences are cut at a comma: a voice needs the whole text before its first audio."""
EAGER_LENGTH = 40
"""A first clause of this length may be spoken before its sentence is complete."""

_SPACED_TERMINATORS = ".?!;:…"
"""End a sentence only before white space, since they also stand inside numbers, times and addresses."""
_TERMINATORS = "。！？；：｡．؟؛۔।॥։።။។"
"""End a sentence wherever they stand."""
_SPACED_CLAUSE_ENDS = ",–—"
_CLAUSE_ENDS = "，、､،"
_CLOSERS = "\"'”’»›)]}）］】」』》〉*_`~"
"""Closing quotes, brackets and markup, which belong to the sentence before them."""
_ONLY_CLOSERS = "”»›)]}）］】」』》〉"
"""Those that never open anything, so that white space before them does not matter."""
_NARROW_SPACES = " \u00a0\u202f"
"""Stand before closing quotes in French."""

_NEVER_LAST = frozenset(
    {"mr", "mrs", "ms", "mx", "dr", "prof", "st", "mt", "rev", "hon", "gen", "lt", "sgt", "capt", "sen", "gov"}
    | {"messrs", "mme", "mlle", "hr", "fr", "sr", "sra", "srta", "sig", "vs", "approx", "ca", "bzw", "cf", "vol"}
    | {"dept", "ext", "tel", "jan", "feb", "apr", "jun", "jul", "aug", "sept", "oct", "nov", "dec"}
)
"""Abbreviations that stand before what they belong to."""
_BEFORE_NUMBER = frozenset({"no", "nr", "nos", "p", "pp", "art"})
_MAYBE_LAST = frozenset({"a.m", "p.m", "etc", "inc", "ltd", "co", "corp", "jr", "bros", "ave", "blvd", "rd"})
"""Abbreviations that may end a sentence, and do so before a capital letter."""
_LIST_NUMBER = re.compile(r"(?:^|\n)\W*\d{1,3}\.$")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")


class SentenceSplitter:
    """Cuts one reply into sentences, of text that comes in pieces of any size.

    Where the pieces are cut makes no difference to the sentences, and every character comes out once, save white
    space between sentences.  A sentence is given as soon as the first character of the next one is there.  With
    `eager_first` the first may be a clause of at least `EAGER_LENGTH` characters.

    Lengths count characters; East Asian wide ones count double, as they take about twice as long to say.
    """

    def __init__(
        self, *, eager_first: bool = False, min_length: int = MIN_LENGTH, max_length: int = MAX_LENGTH
    ) -> None:
        self._eager_first = eager_first
        self._min_length = min_length
        self._max_length = max_length
        self._eager = eager_first
        self._start_over("")

    def feed(self, delta: str) -> list[str]:
        """Take the next piece of text; return the sentences that it completes."""
        self._text += delta
        sentences = []
        while (cut := self._next_cut()) is not None:
            sentences.append(self._text[:cut].strip())
            self._start_over(self._text[cut:])
            self._eager = False
        return sentences

    def flush(self) -> list[str]:
        """The text is complete: return what is left of it, and be ready for another reply."""
        rest = self._text.strip()
        self._start_over("")
        self._eager = self._eager_first
        return [rest] if rest else []

    def _start_over(self, text: str) -> None:
        self._text = text
        self._seen = 0
        self._clause_at = 0
        self._gap_at = 0

    def _next_cut(self) -> int | None:
        """Where the sentence that `_text` begins with ends, once that is certain."""
        text = self._text
        for at in range(self._seen, len(text)):
            self._seen = at + 1
            if text[at].isspace() or text[at - 1 : at].isalnum():
                continue
            head = text[:at].strip()
            cut = self._cut_before(at, head) if head else None
            if cut is not None:
                return cut
        return None

    def _cut_before(self, at: int, head: str) -> int | None:
        """The cut that is due when `head` is followed by the character at `at`, if any."""
        text, length = self._text, _length(head)
        gap = text[len(text[:at].rstrip()) : at]
        if length > self._max_length and (earlier := self._clause_at or self._gap_at):
            return earlier
        if length >= self._min_length:
            if _ends_sentence(head, gap, text[at]):
                return at
            if _ends_clause(head, gap):
                self._clause_at = at
                if self._eager and length >= EAGER_LENGTH:
                    return at
        if not gap:
            return None
        self._gap_at = at
        return at if length > self._max_length else None


def _length(text: str) -> int:
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF" and character.isalnum()


def _ends_sentence(head: str, gap: str, following: str) -> bool:
    """Whether a sentence ends between `head` and `following`, which `gap`, white space or nothing, divides."""
    bare = head.rstrip(_CLOSERS + _NARROW_SPACES)
    if "\n" in gap:
        return not _LIST_NUMBER.search(bare)
    if following in _TERMINATORS + _SPACED_TERMINATORS + (_ONLY_CLOSERS if gap else _CLOSERS):
        return False
    last = bare[-1:]
    if last == "":
        return False
    if last in _TERMINATORS:
        return True
    if last not in _SPACED_TERMINATORS or not (gap or _is_wide(following)):
        return False
    if last == "…" or bare.endswith(".."):
        return not following.islower()
    return last != "." or not _is_abbreviation(bare, following)


def _is_abbreviation(bare: str, following: str) -> bool:
    """Whether the full stop that ends `bare` belongs to its last word and does not end the sentence."""
    if _LIST_NUMBER.search(bare):
        return True
    word = bare.split()[-1].lstrip("\"'“‘«‹([{*_`~-").removesuffix(".")
    lower = word.lower()
    if lower in _BEFORE_NUMBER:
        return following.isdigit()
    if lower in _MAYBE_LAST:
        return not following.isupper()
    initial = len(word) == 1 and word.isupper() and word != "I"
    return initial or lower in _NEVER_LAST or _DOTTED.fullmatch(word) is not None


def _ends_clause(head: str, gap: str) -> bool:
    last = head.rstrip(_CLOSERS)[-1:]
    return last != "" and (last in _CLAUSE_ENDS or (gap != "" and last in _SPACED_CLAUSE_ENDS + ";:"))
