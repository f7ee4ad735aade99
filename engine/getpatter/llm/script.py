"""A script: what to say when, as data, for calls without a language model.

    title: opening hours
    facts:
      day: {find: "on (\\\\w+day)", otherwise: Monday}
    rules:
      - when: good ?bye
        say: Goodbye.
        end: true
        repeat: true
      - first: true
        say: "Hello. {goal}. Are you open on {day}?"
    fallback:
      - say: Thank you. Goodbye.
        end: true

The first rule that fits is followed, each only once unless it says `repeat`; then the fallback lines come in order,
of which the last ends the call.  All patterns are regular expressions, found anywhere and in any case.
"""

from __future__ import annotations

import re
import string
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from getpatter.errors import ConfigurationError

MAX_GOAL = 300
"""Characters of the goal that `{goal}` stands for: more is no fun to hear."""


def _compiled(pattern: Any) -> Any:
    if not isinstance(pattern, str):
        return pattern
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None


Pattern = Annotated[re.Pattern[str], BeforeValidator(_compiled)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(_Part):
    """A detail of the goal that lines may name: what the first group of `find` that takes part holds.

    Without it and without `otherwise`, lines that name the fact are not said.
    """

    find: Pattern
    otherwise: str = ""

    def value(self, goal: str) -> str:
        match = self.find.search(goal)
        return next((group for group in match.groups() if group), "") if match else self.otherwise


class Line(_Part):
    say: Annotated[str, Field(min_length=1, max_length=1000)]
    """`{goal}` and `{name of a fact}` are filled in."""
    end: bool = False
    """Hang up when this was heard."""

    @property
    def blanks(self) -> frozenset[str]:
        return frozenset(name for _, name, _, _ in string.Formatter().parse(self.say) if name is not None)


class Rule(Line):
    """A line and when it is to be said; conditions that are absent hold."""

    when: Pattern | None = None
    """Found in what the other side said last."""
    goal: Pattern | None = None
    """Found in the goal."""
    prompt: Pattern | None = None
    """Found in the system prompt."""
    first: bool = False
    """Nothing of the script was heard yet."""
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a call stands."""

    prompt: str
    goal: str
    last_words: str
    """Of the other side, since we spoke."""


class Script(_Part):
    title: Annotated[str, Field(min_length=1, max_length=100)]
    facts: Mapping[str, Fact] = {}
    rules: tuple[Rule, ...] = ()
    fallback: Annotated[tuple[Line, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if not self.fallback[-1].end:
            raise ValueError("the last fallback line must have `end: true`, or calls would never end")
        if "goal" in self.facts:
            raise ValueError("no fact may be called goal, which stands for the whole of it")
        known = {"goal", *self.facts}
        for line in (*self.rules, *self.fallback):
            if unknown := line.blanks - known:
                raise ValueError(
                    f"{line.say!r} names {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}"
                )
        if self.fallback[-1].blanks:
            raise ValueError("the last fallback line must do without facts, since it must always be possible")
        return self

    def next_line(self, situation: Situation, said: Callable[[str], bool]) -> tuple[str, bool]:
        """What to say now and whether to hang up then; `said` tells whether a text was heard already."""
        facts = {name: fact.value(situation.goal) for name, fact in self.facts.items()}
        facts["goal"] = _as_clause(situation.goal)
        sayable = [rule for rule in self.rules if all(facts[name] for name in rule.blanks)]
        fresh = not any(said(line.say.format_map(facts)) for line in (*sayable, *self.fallback))
        for rule in sayable:
            text = rule.say.format_map(facts)
            if _fits(rule, situation, fresh=fresh) and (rule.repeat or not said(text)):
                return text, rule.end
        for line in self.fallback[:-1]:
            text = line.say.format_map(facts)
            if all(facts[name] for name in line.blanks) and not said(text):
                return text, line.end
        return self.fallback[-1].say, True


def _as_clause(goal: str) -> str:
    """The goal without its last stop, for a line that goes on after it."""
    return textwrap.shorten(goal, MAX_GOAL, placeholder=" and so on").rstrip(" .!;,")


def _fits(rule: Rule, situation: Situation, *, fresh: bool) -> bool:
    conditions = (
        (rule.when, situation.last_words),
        (rule.goal, situation.goal),
        (rule.prompt, situation.prompt),
    )
    return (fresh or not rule.first) and all(pattern is None or pattern.search(text) for pattern, text in conditions)


def default_script() -> Script:
    """`table_for_two`: books a table; with any other goal it says what it was asked to do, and goodbye."""
    return built_in("table_for_two")


def built_in(name: str) -> Script:
    """A script of the package, by the name of its file without the ending."""
    file = resources.files("getpatter.llm").joinpath("scripts", f"{name}.yaml")
    return parse_script(file.read_text("utf-8"), source=name)


def load_script(path: Path) -> Script:
    """The script in a file; raises `ConfigurationError` that names the file and each fault."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise ConfigurationError(f"The script {path} cannot be read: {unreadable}.") from unreadable
    return parse_script(text, source=str(path))


def parse_script(text: str, *, source: str) -> Script:
    """The script in YAML `text`; `source` is what an error calls it."""
    try:
        return Script.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as broken:
        raise ConfigurationError(f"{source} is not YAML: {' '.join(str(broken).split())}.") from None
    except ValidationError as invalid:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the script'}: {e['msg']}" for e in invalid.errors())
        raise ConfigurationError(
            f"{source} is no script: {faults}.",
            next_step="Correct the file; getpatter/llm/scripts/table_for_two.yaml is an example.",
        ) from None
