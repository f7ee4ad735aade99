from __future__ import annotations

import json
from pathlib import Path

import pytest

from getpatter.errors import ConfigurationError
from getpatter.trying.suite import Suite, load_suite, parse_suite

GOOD = """\
name: hours
agent: bakery.py
cases:
  - name: opens
    tags: hours
    turns:
      - user: When do you open?
        expected_contains: seven
        expected_tools: [end_call, {book: {seats: 2}}]
      - silence: 13
"""


def parse(text: str) -> Suite:
    return parse_suite(text, source="s.yaml")


def test_a_single_text_is_a_list_of_one_and_tools_have_arguments() -> None:
    (case,) = parse(GOOD).cases
    assert case.tags == ("hours",)
    assert case.turns[0].expected_contains == ("seven",)
    assert case.turns[0].expected_tools == {"end_call": {}, "book": {"seats": 2}}


def test_json_is_a_suite_too() -> None:
    suite = parse(json.dumps({"name": "x", "cases": [{"name": "a", "party": "+12025550100"}]}))
    assert suite.cases[0].party == "+12025550100"


def test_what_is_judged_is_the_behavior_and_each_line_of_the_rubric() -> None:
    text = "name: x\ncases:\n  - {name: a, goal: g, expected_behavior: Be kind., rubric: [Be short., Be clear.]}"
    assert parse(text).cases[0].intents == ("Be kind.", "Be short.", "Be clear.")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("user: When", "usr: When", r"s\.yaml is no suite: line 7, cases\[1\]\.turns\[1\]\.usr: extra inputs"),
        ("silence: 13", "silence: long", r"line 10, cases\[1\]\.turns\[2\]\.silence: input should be a valid number"),
        ("silence: 13", "expected_contains: x", r"line 10, cases\[1\]\.turns\[2\]: a turn has one of user, press"),
        ("    tags: hours", "    party: '+12025550100'", r"line 4, cases\[1\]: a case has one of turns, persona"),
        ("name: opens", "nme: opens", r"cases\[1\]\.name: field required"),
        ("[end_call, {", "[3, {", r"expected_tools: a tool is its name"),
        ("name: hours\n", "", r"line 1, name: field required"),
    ],
)
def test_a_fault_is_told_with_its_line_and_key(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError, match=told) as raised:
        parse(GOOD.replace(old, new, 1))
    assert "at least 1 item" not in raised.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [", "neither YAML nor JSON"),
        ("- a\n- b", "line 1, the file"),
        ("name: x\ncases: []", "cases: tuple should have at least 1 item"),
        ("name: x\ncases: [{name: a, party: x}, {name: a, party: y}]", "two cases are called a"),
        ("name: x\ncases: [{name: a, persona: A man.}]", "a persona needs a goal"),
    ],
)
def test_what_is_no_suite_at_all_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        parse(text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml cannot be read"):
        load_suite(tmp_path / "none.yaml")
