from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.errors import ConfigurationError
from getpatter.llm.script import MAX_GOAL, Situation, default_script, load_script, parse_script

SMALL = """
title: opening hours
facts:
  day: {find: "on (\\\\w+day)|(tomorrow)", otherwise: Monday}
  guest: {find: "for (Mr. \\\\w+)"}
rules:
  - {when: 'good ?bye', say: Goodbye., end: true, repeat: true}
  - {goal: secret, say: I may not say.}
  - {prompt: came in, say: "How can I help?"}
  - {when: who, say: "I call for {guest}."}
  - {first: true, say: "Hello. {goal}, please."}
  - {when: day, say: "On {day}.", repeat: true}
fallback:
  - {say: "Are you open on {day}?"}
  - {say: Thank you. Goodbye., end: true}
"""


def say(last_words: str = "", *, goal: str = "Ask for the hours.", prompt: str = "", said: tuple[str, ...] = ()) -> str:
    situation = Situation(prompt=prompt, goal=goal, last_words=last_words)
    text, end = parse_script(SMALL, source="small").next_line(situation, lambda line: line in said)
    return f"{text} (end)" if end else text


def test_the_first_rule_that_fits_is_followed() -> None:
    assert say("Hello?") == "Hello. Ask for the hours, please."
    assert say("Good Bye, what day?") == "Goodbye. (end)"


def test_conditions_look_at_goal_and_prompt() -> None:
    assert say(goal="Keep the secret.") == "I may not say."
    assert say(prompt="A call came in.") == "How can I help?"


def test_first_means_that_nothing_was_said_yet() -> None:
    assert say("What?", said=("On Monday.",)) == "Are you open on Monday?"


def test_a_rule_is_followed_once_unless_it_may_repeat() -> None:
    said = ("Hello. Ask for the hours, please.", "On Monday.")
    assert say("Which day?", said=said) == "On Monday."
    assert say("Hello?", said=said) == "Are you open on Monday?"


def test_the_last_fallback_ends_the_call_however_often() -> None:
    said = ("Hello. Ask for the hours, please.", "Are you open on Monday?", "Thank you. Goodbye.")
    assert say("What?", said=said) == "Thank you. Goodbye. (end)"


def test_facts_come_from_the_goal() -> None:
    assert say("Which day?", goal="Ask for the hours on Friday.") == "Hello. Ask for the hours on Friday, please."
    said = ("Are you open on Friday?",)
    assert say("Which day?", goal="Ask for the hours on Friday.", said=said) == "On Friday."
    assert say("Which day?", goal="Ask for tomorrow.", said=("Are you open on tomorrow?",)) == "On tomorrow."


def test_a_line_whose_facts_are_unknown_is_not_said() -> None:
    assert say("Who is it?", goal="Ask for Mr. Miller.") == "I call for Mr. Miller."
    assert say("Who is it?", goal="Ask.", said=("On Monday.",)) == "Are you open on Monday?"
    assert say(goal="") == "Are you open on Monday?"


def test_a_long_goal_is_not_read_out_to_its_end() -> None:
    assert len(say(goal="word " * 500)) < MAX_GOAL + 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: [", "not YAML"),
        ("[]", "Script"),
        ("title: x", "fallback"),
        ("{title: x, fallback: []}", "fallback"),
        ("{title: x, fallback: [{say: Bye.}]}", "end: true"),
        ("{title: x, fallback: [{say: 'Bye {goal}.', end: true}]}", "without facts"),
        ("{title: x, rules: [{say: 'It is {name}.'}], fallback: [{say: Bye., end: true}]}", "name"),
        ("{title: x, rules: [{say: 'It is {}.'}], fallback: [{say: Bye., end: true}]}", "names"),
        ("{title: x, rules: [{say: 'It is {.'}], fallback: [{say: Bye., end: true}]}", "rules|Script|script"),
        ("{title: x, rules: [{say: Hi., when: '('}], fallback: [{say: Bye., end: true}]}", "regular expression"),
        ("{title: x, rules: [{say: Hi., wen: x}], fallback: [{say: Bye., end: true}]}", "wen"),
        ("{title: x, facts: {goal: {find: x}}, fallback: [{say: Bye., end: true}]}", "called goal"),
    ],
)
def test_a_broken_script_is_refused_with_its_fault(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as raised:
        parse_script(text, source="mine.yaml")
    assert raised.value.message.startswith("mine.yaml")


def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_script(file)
    file.write_text(SMALL, "utf-8")
    assert load_script(file).title == "opening hours"


@pytest.mark.parametrize(
    ("goal", "facts"),
    [
        (
            "Book a table for two at half past seven tonight, in the name of Miller.",
            ("two", "tonight", "half past seven", "Miller"),
        ),
        (
            "Please reserve a table at Rossi's for 4 people tomorrow at 8:15 pm under the name Anna Smith",
            ("4", "tomorrow", "8:15 pm", "Anna Smith"),
        ),
        (
            "Book for 8 pm on Friday, six guests, under Jones; ask for a window",
            ("six", "on Friday", "8 pm", "Jones"),
        ),
        ("Reserve at 7.", ("two", "tonight", "7", "Miller")),
    ],
)
def test_the_built_in_script_understands_a_reservation(goal: str, facts: tuple[str, ...]) -> None:
    script = default_script()
    assert tuple(script.facts[name].value(goal) for name in ("people", "day", "time", "name")) == facts
