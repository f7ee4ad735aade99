"""The agent does not take its own words for the caller's, nor the caller's for its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.language.echo import LATE_S, MAX_WORDS, MIN_WORDS, EchoGuard

LINE = "Great news, your table is ready for seven people on Tuesday evening. Shall I send you a confirmation by text?"
ENDS_S = 8.0
"""`LINE` sounds from 0 to here: 20 words, 0.4 s each."""


@pytest.fixture
def guard() -> EchoGuard:
    guard = EchoGuard()
    guard.agent_said(LINE, 0.0, ENDS_S)
    return guard


ECHOES = [
    ("great news your table is ready", 0.1, 2.5),
    ("table is ready for seven people", 1.4, 4.0),  # begins and ends in mid-sentence
    ("Your table is ready for heaven people on Tuesday", 1.0, 4.5),  # one word wrong
    ("your cable is ready for seven people", 1.0, 4.0),
    ("news your table ready for seven people on Tuesday", 0.5, 4.5),  # one word missing
    ("your table is is ready for seven", 1.0, 3.8),  # one too many
    ("send you a confirmation by text", 6.0, 8.3),
    ("shall I send you a confirmation by text", 6.5, ENDS_S + 1.0),  # told late
    (LINE, 0.1, ENDS_S + 0.2),
]


@pytest.mark.parametrize(("text", "from_s", "to_s"), ECHOES)
def test_words_that_come_back_are_echo(guard: EchoGuard, text: str, from_s: float, to_s: float) -> None:
    assert guard.is_echo(text, from_s, to_s)


CALLERS = [
    ("Tuesday?", 5.0, 5.4),
    ("seven people?", 3.5, 4.2),
    ("no", 3.0, 3.3),
    ("stop", 3.0, 3.3),
    ("your table is ready no wait I need to cancel", 1.0, 5.0),
    ("your table is ready no", 1.0, 3.2),
    ("table is ready for seven people stop", 1.4, 4.4),
    ("no your table is ready", 1.0, 3.0),
    ("wait is it ready for seven people", 2.0, 4.6),
    ("can I change it to eight people on Wednesday", 2.0, 5.0),
    ("people ready evening text", 2.0, 6.0),
    ("great ready people evening confirmation", 0.1, 7.0),
    ("evening Tuesday on people seven", 4.0, 6.0),
    ("", 1.0, 2.0),
]


@pytest.mark.parametrize(("text", "from_s", "to_s"), CALLERS)
def test_what_the_caller_says_is_not(guard: EchoGuard, text: str, from_s: float, to_s: float) -> None:
    assert not guard.is_echo(text, from_s, to_s)


def test_short_words_are_not_taken_for_others() -> None:
    guard = EchoGuard()
    guard.agent_said("your order is ready now", 0.0, 2.0)
    assert guard.is_echo("order is ready now", 0.3, 2.1)
    assert not guard.is_echo("order is ready no", 0.3, 2.1)


def test_the_same_words_later_are_the_callers(guard: EchoGuard) -> None:
    words = "send you a confirmation by text"
    assert guard.is_echo(words, ENDS_S - 1.0, ENDS_S + LATE_S)
    assert not guard.is_echo(words, ENDS_S + LATE_S + 1.5, ENDS_S + LATE_S + 3.0)


def test_words_that_were_not_yet_said_cannot_come_back(guard: EchoGuard) -> None:
    assert not guard.is_echo("send you a confirmation", 0.5, 2.5)


def test_words_that_were_never_said_cannot_come_back(guard: EchoGuard) -> None:
    guard.agent_stopped(3.0)
    assert guard.is_echo("great news your table is ready", 0.1, 3.0)
    assert not guard.is_echo("seven people on tuesday evening", 3.2, 5.2)


def test_echo_may_span_two_utterances() -> None:
    guard = EchoGuard()
    guard.agent_said("One moment please.", 0.0, 1.2)
    guard.agent_said("I found your booking.", 1.3, 2.9)
    assert guard.is_echo("moment please I found your booking", 0.5, 3.2)


def test_the_first_word_of_an_interim_may_become_echo(guard: EchoGuard) -> None:
    for words in ("your", "your table", "your table is"):
        assert guard.may_become_echo(words, 1.0, 2.5)
    assert not guard.may_become_echo("no", 1.0, 1.5)
    assert not guard.may_become_echo("your table no", 1.0, 2.5)
    assert not guard.may_become_echo("", 1.0, 1.5)


def test_a_silent_agent_has_no_echo() -> None:
    guard = EchoGuard()
    assert not guard.is_echo("your table is ready", 0.0, 1.0)
    guard.agent_said("...", 0.0, 1.0)
    assert not guard.is_echo("your table is ready", 0.0, 1.0)


@given(st.lists(st.sampled_from(["alpha", "bravo", "charlie", "delta", "echo"]), min_size=MIN_WORDS, max_size=30))
def test_whatever_was_said_comes_back_as_echo(said: list[str]) -> None:
    guard = EchoGuard()
    guard.agent_said(" ".join(said), 0.0, len(said) * 0.4)
    assert guard.is_echo(" ".join(said), 0.2, len(said) * 0.4 + 0.2)


@given(st.lists(st.sampled_from(["alpha", "bravo", "charlie"]), min_size=1, max_size=20), st.booleans())
def test_a_word_of_the_callers_own_at_either_end_is_heard(said: list[str], before: bool) -> None:
    guard = EchoGuard()
    guard.agent_said(" ".join(said), 0.0, len(said) * 0.4)
    heard = ["stop", *said] if before else [*said, "stop"]
    assert not guard.is_echo(" ".join(heard), 0.2, len(said) * 0.4 + 0.5)


def test_a_long_call_keeps_two_minutes_of_words() -> None:
    guard = EchoGuard()
    for number in range(1000):
        guard.agent_said(LINE, number * ENDS_S, (number + 1) * ENDS_S)
    assert len(guard._spoken) == MAX_WORDS
    assert guard.is_echo("your table is ready", 999 * ENDS_S + 1.0, 999 * ENDS_S + 2.6)


# -- answers in the words of their question

CHOICE = "Shall I book the table at seven or at eight?"
"""Sounds from 0 to 4 s."""


@pytest.fixture
def asking() -> EchoGuard:
    guard = EchoGuard()
    guard.agent_said(CHOICE, 0.0, 4.0)
    return guard


@pytest.mark.parametrize("heard_from", [3.75, 4.0, 4.2, 5.0])
@pytest.mark.parametrize("text", ["seven", "at eight", "the table at seven", "book the table at eight"])
def test_an_answer_may_repeat_the_question(asking: EchoGuard, text: str, heard_from: float) -> None:
    assert not asking.is_echo(text, heard_from, heard_from + 0.8)
    assert not asking.may_become_echo(text, heard_from, heard_from + 0.8)


@pytest.mark.parametrize("text", ["seven", "at seven"])
def test_a_word_or_two_may_answer_a_question_before_its_end(asking: EchoGuard, text: str) -> None:
    assert not asking.is_echo(text, 3.2, 3.8)


def test_a_question_that_is_being_asked_has_an_echo(asking: EchoGuard) -> None:
    assert asking.is_echo("book the table at seven or at eight", 1.0, 4.5)


def test_what_follows_a_question_has_an_echo(asking: EchoGuard) -> None:
    asking.agent_said("Both of them are still free.", 4.0, 6.4)
    assert asking.is_echo("both of them are still free", 4.2, 6.6)
    assert asking.is_echo("both of", 4.2, 4.9)
