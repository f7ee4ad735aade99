"""Suites of conversations for `getpatter eval`, as data.

    name: opening hours
    agent: bakery.py:agent
    cases:
      - name: says when it opens
        turns:
          - user: When do you open?
            expected_contains: seven
      - name: takes an order of somebody in a hurry
        persona: A man who is late for work.
        goal: Have two loaves of rye bread put aside for you, in the name of Miller.
        expected_behavior: Takes the order and repeats it.

A suite is YAML or JSON.  A case has either `turns`, or a `persona` or `goal` that a language model plays, or a `party`
of the simulated network.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from getpatter.errors import ConfigurationError
from getpatter.testing.yaml_place import child, line


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _tools(value: Any) -> Any:
    """`end_call`, `[end_call, book]` and `{book: {seats: 2}}` as a mapping of names to arguments."""
    value = _listed(value)
    if not isinstance(value, list):
        return value
    merged: dict[Any, Any] = {}
    for item in value:
        if isinstance(item, Mapping):
            merged.update(item)
        elif isinstance(item, str):
            merged[item] = {}
        else:
            raise ValueError("a tool is its name, or its name with arguments")
    return merged


Text = Annotated[str, Field(min_length=1, max_length=4000)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
Tools = Annotated[dict[str, dict[str, Any]], BeforeValidator(_tools)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Expected(_Part):
    expected_contains: Texts = ()
    """The agent says all of these, in any case."""
    expected_lacks: Texts = ()
    """The agent says none of these."""
    expected_tools: Tools = Field(default_factory=dict)
    """Tools that are called, with arguments that are among those given."""


class SuiteTurn(_Expected):
    """One thing that the user does, and what is expected of the answer."""

    user: Text | None = None
    press: Annotated[str, Field(pattern=r"^[0-9A-D*#]{1,32}$")] | None = None
    silence: Annotated[float, Field(gt=0, le=600)] | None = None
    """Seconds in which the user says nothing."""
    interrupt_after_words: Annotated[int, Field(ge=1)] | None = None
    """What the user says next is said over the answer."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if sum(given is not None for given in (self.user, self.press, self.silence)) != 1:
            raise ValueError("a turn has one of user, press and silence")
        return self


class Case(_Expected):
    """One conversation.  What is expected here is of the whole of it."""

    name: Text
    tags: Texts = ()
    agent: str = ""
    """`path.py:name` or `module:name`; a path counts from the suite's folder."""
    script: Path | None = None
    """A script in place of the agent's language model."""
    turns: tuple[SuiteTurn, ...] = ()
    persona: str = ""
    goal: str = ""
    party: str = ""
    """Number of a party of the simulated network, or the path of a party's file."""
    max_turns: Annotated[int, Field(ge=1, le=100)] = 12
    """Things that a simulated caller says at most."""
    expected_behavior: str = ""
    rubric: Texts = ()
    """Judged by a language model, each for itself, as is `expected_behavior`."""

    @model_validator(mode="after")
    def _has_one_caller(self) -> Self:
        if sum(map(bool, (self.turns, self.persona or self.goal, self.party))) != 1:
            raise ValueError("a case has one of turns, persona (with a goal) and party")
        if self.persona and not self.goal:
            raise ValueError("a persona needs a goal")
        return self

    @property
    def intents(self) -> tuple[str, ...]:
        """What a judge is asked."""
        return tuple(filter(None, (self.expected_behavior, *self.rubric)))


class Suite(_Part):
    name: Text
    agent: str = ""
    """Of the cases that name none; else the agent of the settings."""
    script: Path | None = None
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [case.name for case in self.cases]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two cases are called {', '.join(sorted(twice))}")
        return self


def load_suite(path: Path) -> Suite:
    """The suite in a file; raises `ConfigurationError` that names the file, each line and key."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise ConfigurationError(f"The suite {path} cannot be read: {unreadable}.") from unreadable
    return parse_suite(text, source=str(path))


def parse_suite(text: str, *, source: str) -> Suite:
    """The suite in YAML or JSON `text`; `source` is what an error calls it."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as broken:
        raise ConfigurationError(f"{source} is neither YAML nor JSON: {' '.join(str(broken).split())}.") from None
    try:
        return Suite.model_validate(data)
    except ValidationError as invalid:
        errors = invalid.errors()
        # A list with a fault in it counts as empty, too, which would only confuse.
        causes = [error for error in errors if not any(_within(other["loc"], error["loc"]) for other in errors)]
        faults = "; ".join(_fault(root, error["loc"], error["msg"]) for error in causes)
        raise ConfigurationError(
            f"{source} is no suite: {faults}.", next_step="Correct the file; docs/trying.md lists the keys."
        ) from None


def _within(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _fault(root: yaml.Node | None, loc: tuple[int | str, ...], message: str) -> str:
    node, path = root, ""
    for part in loc:
        path += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if path else part
        node = child(node, part) or node
    words = message.removeprefix("Value error, ")
    return f"line {line(node)}, {path or 'the file'}: {words[0].lower()}{words[1:]}"
