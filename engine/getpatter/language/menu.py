"""Telephone menus, as an outbound call meets them: what can be pressed, and whether the menu goes in circles."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from getpatter.language.menu_grammar import Grammar, grammar_of

MENU_WAIT_S = 2.0
"""Silence that ends a menu: between its options it pauses up to a second or so, longer than people do within a turn,
and after the last it waits for three and more, which must not pass unused."""
LOOP_SIMILARITY = 85.0
"""Percent of common words from which two utterances count as the same; recognisers vary about one word in ten."""
LOOP_TIMES = 3
"""So often the same is heard before it is a loop: a menu that is repeated once is usual."""
LOOP_WINDOW = 8
"""Utterances that are compared with the newest one."""
LOOP_MIN_WORDS = 4
"""Shorter utterances repeat in any conversation."""

ENTRY = "digits"
"""The key of an option that wants a number; "digits#" when that is to end with pound."""
LABEL_WORDS = 12
"""Longer text beside a key is more than the option's name."""
HEARD_CHARS = 2000
"""Text of one menu that is kept, so that an option which two transcripts share is found."""


@dataclass(frozen=True, slots=True)
class MenuOption:
    """`key` is one of 0 to 9, * and #, or `ENTRY`; `label` the menu's own words for it, empty where it gave none."""

    key: str
    label: str


class MenuReader:
    """Reads the menus that the far end's transcripts hold.

    Feed it whole utterances, and `reset` it when a key was sent.  Languages without a grammar are read as English.
    """

    def __init__(self, language: str = "en-US") -> None:
        self._grammar = grammar_of(language)
        self._loop = LoopDetector()
        self._times: dict[str, int] = {}
        self.reset()

    def reset(self) -> None:
        """The next utterance belongs to another menu; what was heard so far still counts towards a loop."""
        self._heard = ""
        self._options: dict[str, str] = {}
        self.reading = False
        """The latest utterance was a menu's: end of turn is worth waiting for."""

    @property
    def options(self) -> list[MenuOption]:
        """What can be pressed, in the order it was first heard."""
        return [MenuOption(key, label) for key, label in self._options.items()]

    @property
    def looping(self) -> bool:
        """The same menu or prompt was heard `LOOP_TIMES` times."""
        return self._loop.looping or any(times >= LOOP_TIMES for times in self._times.values())

    @property
    def wait_s(self) -> float | None:
        """The silence that ends the far end's turn while a menu is read; None when none is."""
        return MENU_WAIT_S if self.reading else None

    def feed(self, text: str) -> list[MenuOption]:
        """Take a final transcript; return the options that it adds or changes."""
        self._loop.feed(text)
        alone = _read(_tidy(text), self._grammar)
        self._heard = f"{self._heard} {_tidy(text)}"[-HEARD_CHARS:]
        news = []
        for option in _read(self._heard, self._grammar):
            if option.key not in self._options or (option.label and option.label != self._options[option.key]):
                self._options[option.key] = option.label
                news.append(option)
        for option in alone:
            said = f"{option.key} {option.label}"
            self._times[said] = self._times.get(said, 0) + 1
        self.reading = bool(alone or news) or re.search(self._grammar.lead, _tidy(text)) is not None
        if not self.reading:
            self._heard = _tidy(text)
        return news


class LoopDetector:
    """Tells that an utterance comes again and again, however the recogniser varies its words.

    `threshold` is in percent of similarity by sorted words, `times` counts the first one too, `window` is how many
    utterances back it looks.
    """

    def __init__(
        self, *, threshold: float = LOOP_SIMILARITY, times: int = LOOP_TIMES, window: int = LOOP_WINDOW
    ) -> None:
        self._threshold = threshold
        self._times = times
        self._recent: deque[str] = deque(maxlen=window)
        self.looping = False
        """Whether the latest utterance was at least the `times`-th of its kind."""

    def feed(self, text: str) -> bool:
        """Take a whole utterance; return `looping`.  Utterances under `LOOP_MIN_WORDS` words change nothing."""
        words = re.findall(r"\w+", text.lower())
        if len(words) < LOOP_MIN_WORDS:
            return self.looping
        sorted_words = " ".join(sorted(words))
        like = sum(fuzz.ratio(sorted_words, other) >= self._threshold for other in self._recent)
        self._recent.append(sorted_words)
        self.looping = like + 1 >= self._times
        return self.looping


def is_menu(text: str, language: str = "en-US") -> bool:
    """Whether `text` offers keys to press, asks for a number to be keyed in, or announces that."""
    grammar = grammar_of(language)
    return bool(_read(_tidy(text), grammar)) or re.search(grammar.lead, _tidy(text)) is not None


def menu_note(options: Sequence[MenuOption], looping: bool = False) -> str:
    """What a language model is told about the menu it hears; empty when there is nothing to tell."""
    lines = []
    if options:
        listed = "; ".join(f"{option.key} = {option.label or 'not named'}" for option in options)
        lines.append(f"A telephone menu is playing: {listed}. Do not talk to it: send the key that serves the goal.")
    if looping:
        lines.append(
            f"It has now come {LOOP_TIMES} times. Choose the nearest option, send 0 for a person, or end the call."
        )
    return " ".join(lines)


# -- reading


@dataclass(frozen=True, slots=True)
class _Press:
    """A place in a text that tells to press `key`; none when it tells to wait."""

    start: int
    end: int
    key: str


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower().replace("’", "'")).strip()


def _read(text: str, grammar: Grammar) -> list[MenuOption]:
    entries = []
    while (match := re.search(grammar.entry, text)) is not None:
        pound = re.match(grammar.pound, text[match.end() :])
        entries.append(MenuOption(ENTRY + ("#" if pound else ""), match["what"]))
        text = f"{text[: match.start()]}. {text[match.end() + (pound.end() if pound else 0) :]}"
    presses = _presses(text, grammar)
    labels = _labels(text, presses, grammar)
    return [MenuOption(press.key, label) for press, label in zip(presses, labels, strict=True) if press.key] + entries


def _presses(text: str, grammar: Grammar) -> list[_Press]:
    key = rf"(?P<key>[0-9*#]|{'|'.join(grammar.keys)})(?![\w'])"
    again = rf"(?:(?<=, )|(?<=\bor )|(?<=\band )){key.replace('<key>', '<again>')}(?= {grammar.connective}\b)"
    pattern = rf"\b{grammar.press} {key}(?: key| sign| now)*|{again}|(?P<stay>{grammar.stay})"
    presses = []
    for match in re.finditer(pattern, text):
        said = match["key"] or match["again"] or ""
        presses.append(_Press(match.start(), match.end(), grammar.keys.get(said, said)))
    return presses


def _labels(text: str, presses: Sequence[_Press], grammar: Grammar) -> list[str]:
    """The name of each option.

    Menus put it before the key or behind it, and keep to one of the two; which one shows in how many keys have a name
    on that side.  A key without one there takes what is on its other side.
    """
    edges = [0, *(edge for press in presses for edge in (press.start, press.end)), len(text)]
    gaps = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    before = [_name_before(gap, grammar) for gap in gaps[:-1]]
    behind = [_name_behind(gap, grammar) for gap in gaps[1:]]
    first, second = (before, behind) if sum(map(bool, before)) > sum(map(bool, behind)) else (behind, before)
    return [one or other or _bare_name(gap, grammar) for one, other, gap in zip(first, second, gaps[:-1], strict=True)]


def _name_before(gap: str, grammar: Grammar) -> str:
    clause = re.split(r"[.;:?!]\s", f"{gap} ")[-1].strip(" ,")
    last = re.split(r",\s*", clause)[-1]
    if re.match(rf"(?:or |and )?{grammar.connective}\b", last):
        clause = last
    start = None
    for match in re.finditer(rf"\b{grammar.connective}\b\s*", clause):
        if start is None or (match[0].strip() != "to" and clause is not last):
            start = match.end()
    return "" if start is None else _name(clause[start:], grammar)


def _name_behind(gap: str, grammar: Grammar) -> str:
    match = re.match(rf"[\s,]*{grammar.connective}\b\s*([^.,;:?!]*)", gap)
    return _name(match[1], grammar) if match else ""


def _bare_name(gap: str, grammar: Grammar) -> str:
    """The last few words, as in "sales, press one"."""
    clause = re.sub(grammar.filler, " ", re.split(r"[.;:?!,]\s", gap.rstrip(" ,") + " ")[-1].strip(" ,.;:?!"))
    return " ".join(clause.split()) if len(clause.split()) <= LABEL_WORDS // 2 else ""


def _name(text: str, grammar: Grammar) -> str:
    words = re.sub(rf"(?:^|\s)(?:{grammar.filler})\s*$", "", text.strip(" ,.;:?!")).split()
    return " ".join(words[:LABEL_WORDS]).strip(" ,")
