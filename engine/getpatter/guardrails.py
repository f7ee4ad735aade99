"""What an agent must not say: each sentence of its own is reviewed before it is spoken.

The unit is the sentence, since a voice speaks one while the model writes the next.  A term that is spread over two
sentences is therefore not found.
"""

from __future__ import annotations

import inspect
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from getpatter.clock import Clock, deadline
from getpatter.errors import ConfigurationError
from getpatter.extension import contained

Check = Callable[[str], bool | Awaitable[bool]]
"""Given a sentence, tells whether it is to be blocked."""

REPLACEMENT = "I'm sorry, I can't respond to that."
CHECK_S = 1.0
"""Longest that an asynchronous check may take: the line is silent while it runs."""

_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")
"""White space, hyphens and dashes: what stands between the words of one term."""
_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc\uff07", "''''")
_WORD_CATEGORIES = frozenset("LMN")
_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff"  # Hiragana, Katakana
    "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "]"
)
"""Scripts that put no space between words, so that an edge of a word cannot be seen."""


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One rule about the agent's own words.

    `blocked_terms` match whole words and phrases, whatever their case ("class" does not hold "ass"), with any white
    space or hyphens between the words of a phrase.  Inflections are terms of their own.  In scripts without spaces a
    term matches anywhere.

    `check` gets the sentence and returns True to block it.  A plain function runs on the event loop and must not
    wait; a coroutine function may take `CHECK_S`.  A sentence that cannot be checked is blocked: a rule that stops
    working must not let pass what it was made to stop.

    `replacement` is spoken in place of a blocked sentence and is not reviewed; empty says nothing instead.
    """

    name: str
    blocked_terms: Sequence[str] = ()
    check: Check | None = None
    replacement: str = REPLACEMENT

    def __post_init__(self) -> None:
        if isinstance(self.blocked_terms, str):
            raise ConfigurationError(
                f"Guardrail {self.name!r}: blocked_terms is one string.",
                next_step=f"Pass a list: blocked_terms=[{self.blocked_terms!r}]",
            )
        object.__setattr__(self, "blocked_terms", tuple(self.blocked_terms))
        if any(not _words(term) for term in self.blocked_terms):
            raise ConfigurationError(f"Guardrail {self.name!r}: a blocked term is empty.")
        if not self.blocked_terms and self.check is None:
            raise ConfigurationError(
                f"Guardrail {self.name!r} blocks nothing.", next_step="Give it blocked_terms, a check, or both."
            )


def guardrail(
    name: str, blocked_terms: Iterable[str] = (), check: Check | None = None, replacement: str = REPLACEMENT
) -> Guardrail:
    """A `Guardrail`; raises `ConfigurationError` where it could never block anything."""
    terms = blocked_terms if isinstance(blocked_terms, str) else tuple(blocked_terms)
    return Guardrail(name, terms, check, replacement)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said: the sentence itself, or the replacement of the guardrail that `blocked_by` names."""

    text: str
    blocked_by: str | None = None


class Guardrails:
    """The rules of one call, asked in order; the first that blocks decides."""

    def __init__(
        self, rules: Iterable[Guardrail], clock: Clock, on_failure: Callable[[str, Exception], None] | None = None
    ) -> None:
        """`on_failure(name, error)` is told once for each guardrail whose check failed or took too long."""
        self._rules = [(rule, [_pattern(term) for term in rule.blocked_terms]) for rule in rules]
        self._clock = clock
        self._on_failure = on_failure
        self._failed: set[str] = set()

    def __bool__(self) -> bool:
        """Whether there is any rule at all."""
        return bool(self._rules)

    async def review(self, sentence: str) -> Verdict:
        """What is to be said in place of `sentence`, which mostly is the sentence itself."""
        folded = _fold(sentence) if self._rules else ""
        for rule, terms in self._rules:
            if any(_holds(folded, term) for term in terms) or await self._objects(rule, sentence):
                return Verdict(rule.replacement, blocked_by=rule.name)
        return Verdict(sentence)

    async def _objects(self, rule: Guardrail, sentence: str) -> bool:
        if rule.check is None:
            return False
        try:
            with contained():
                answer = rule.check(sentence)
                if inspect.isawaitable(answer):
                    async with deadline(self._clock, self._clock.now() + CHECK_S):
                        answer = await answer
        except Exception as error:  # noqa: BLE001 -- the user's code: whatever it raises, the call goes on
            self._report(rule.name, error)
            return True
        return bool(answer)

    def _report(self, name: str, error: Exception) -> None:
        if name not in self._failed and self._on_failure is not None:
            self._failed.add(name)
            self._on_failure(name, error)


# -- terms


def _fold(text: str) -> str:
    """`text` such that spellings which look the same are the same: case, width, apostrophes, invisible characters."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    if not folded.isascii():
        folded = "".join(character for character in folded if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFC", folded)


def _words(term: str) -> list[str]:
    return [word for word in _SEPARATORS.split(_fold(term)) if word]


def _pattern(term: str) -> re.Pattern[str]:
    """Finds the term wherever it begins, also inside of words and of itself; group 1 holds it."""
    return re.compile(f"(?=({_SEPARATORS.pattern.join(map(re.escape, _words(term)))}))")


def _holds(folded: str, term: re.Pattern[str]) -> bool:
    """Whether the term stands anywhere as words of its own."""
    for match in term.finditer(folded):
        start, end = match.span(1)
        before, after = folded[max(0, start - 1) : start], folded[end : end + 1]
        if not _joined(before, folded[start]) and not _joined(folded[end - 1], after):
            return True
    return False


def _joined(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word, as far as their script shows it."""
    if not (_is_word(left) and _is_word(right)):
        return False
    return unicodedata.category(right)[0] == "M" or not (_UNSPACED.match(left) or _UNSPACED.match(right))


def _is_word(character: str) -> bool:
    return character == "_" or (character != "" and unicodedata.category(character)[0] in _WORD_CATEGORIES)
